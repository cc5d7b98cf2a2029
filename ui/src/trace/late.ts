/** Spans that arrive while the page is open: they are looked for, and added or offered. */
import { computed, effect, signal, untracked } from "@preact/signals";
import type { Skeleton } from "../api/trace.ts";
import { counted } from "../text/numbers.ts";
import { carried } from "./carry.ts";
import { focusedRow, giveFocus } from "./focus.ts";
import { liveUntil, pauseAfter } from "./liveness.ts";
import type { TraceState } from "./state.ts";

/** Traces of more spans take a moment to be arranged again: the reader says when. */
export const ADDED_SPANS_MAX = 50_000;

/** Goes on with a later state of a trace; the focus stays with its span. */
export function show(state: TraceState, next: Skeleton): void {
  const focused = focusedRow();
  const to = focused === null ? -1 : (carried(state.skeleton, next)[focused] ?? -1);
  state.grow(next);
  if (to >= 0) giveFocus(to);
}

export class Late {
  /** Whether more spans are expected. */
  readonly isLive = signal(false);
  readonly isPaused = signal(false);
  /** The trace with spans that are offered. */
  readonly offered = signal<Skeleton | null>(null);
  /** How many spans have been added since the page was opened. */
  readonly added = computed(() => this.state.skeleton.n - this.openedWith);
  /** What is said aloud. */
  readonly said = signal("");
  private readonly openedWith: number;
  private readonly openedAt = Date.now();
  private newsAt: number | null = null;
  /** Answers in a row without a new span. */
  private quiet = 0;

  constructor(private readonly state: TraceState) {
    this.openedWith = state.skeleton.n;
  }

  /** Looks for more spans, while somebody looks at the page, until the returned function is called. */
  watch(): () => void {
    const { newer } = this.state.source;
    // A server that does not say which spans these are cannot say that they are others.
    if (!newer || this.state.skeleton.tag === "") return () => {};
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    const ask = async () => {
      if (isAsking) return;
      isAsking = true;
      clearTimeout(timer);
      await this.ask(newer, stop.signal);
      isAsking = false;
      if (!stop.signal.aborted) plan();
    };
    const plan = (isSoon = false) => {
      clearTimeout(timer);
      if (document.hidden) return;
      const wasLive = this.isLive.peek();
      this.isLive.value = Date.now() < this.until();
      if (this.isPaused.peek()) return;
      // Whoever comes back gets what came in the meantime, however long that was.
      if (isSoon && wasLive) void ask();
      else if (this.isLive.peek()) timer = setTimeout(ask, pauseAfter(this.quiet));
    };
    const onVisible = () => plan(true);
    document.addEventListener("visibilitychange", onVisible, { signal: stop.signal });
    let wasPaused = this.isPaused.peek();
    const unpaused = effect(() => {
      const isPaused = this.isPaused.value;
      if (wasPaused !== isPaused) plan(!isPaused);
      wasPaused = isPaused;
    });
    // Whoever finds something in spans that are not here wants them.
    const found = effect(() => {
      if (this.state.finder.behind.value > 0) plan(true);
    });
    const loaded = effect(() => {
      if (this.state.skeleton) this.offered.value = null;
    });
    plan();
    return () => {
      stop.abort();
      clearTimeout(timer);
      for (const end of [unpaused, found, loaded]) end();
    };
  }

  /** Adds what is offered. */
  accept(): void {
    const next = this.offered.peek();
    if (next) this.add(next);
  }

  private until(): number {
    const newest = this.offered.peek() ?? untracked(() => this.state.skeleton);
    return liveUntil(newest, { openedAt: this.openedAt, newsAt: this.newsAt });
  }

  private async ask(
    newer: (known: Skeleton, signal: AbortSignal) => Promise<Skeleton | null>,
    signal: AbortSignal,
  ): Promise<void> {
    // Without ids nobody can tell which spans are the same.
    if (!this.state.isIdentified.peek()) return;
    try {
      const next = await newer(this.offered.peek() ?? this.state.skeleton, signal);
      // While it stands still nothing changes; what has come is there when it goes on.
      if (signal.aborted || this.isPaused.peek()) return;
      if (next) this.take(next);
      else this.quiet++;
    } catch {
      // The trace is still what it was; the next question may be answered.
      this.quiet++;
    }
  }

  private take(next: Skeleton): void {
    this.newsAt = Date.now();
    this.quiet = 0;
    if (next.n <= ADDED_SPANS_MAX) {
      this.add(next);
      return;
    }
    this.offered.value = next;
    this.said.value = `${counted(next.n - this.state.skeleton.n, "more span")} arrived`;
  }

  private add(next: Skeleton): void {
    const more = next.n - this.state.skeleton.n;
    show(this.state, next);
    this.said.value = `${counted(more, "more span")}, ${next.n.toLocaleString("en")} in all`;
  }
}
