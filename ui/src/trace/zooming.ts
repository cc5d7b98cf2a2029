/** Which part of the time is shown, and which parts were before. */
import { computed, signal } from "@preact/signals";
import type { Window } from "./model.ts";

/** Turns of the wheel that come faster than this are one step of the history. */
const GESTURE_MILLIS = 600;

export class Zooming {
  /** `null` for all of the time. */
  readonly chosen = signal<Window | null>(null);
  /** The parts shown before, oldest first. */
  readonly before = signal<readonly (Window | null)[]>([]);
  readonly window = computed<Window>(() => this.chosen.value ?? this.home());
  private lastTurn = Number.NEGATIVE_INFINITY;

  constructor(private readonly home: () => Window) {}

  restore(chosen: Window | null): void {
    this.before.value = chosen ? [null] : [];
    this.chosen.value = chosen && this.within(chosen);
  }

  /** Shows all, and forgets what was before: it was of other spans. */
  forget(): void {
    this.before.value = [];
    this.chosen.value = null;
  }

  /** Moves all of it with the times of the spans. */
  shift(by: number): void {
    if (by === 0) return;
    const moved = (window: Window | null) => window && { from: window.from + by, to: window.to + by };
    const chosen = moved(this.chosen.peek());
    this.before.value = this.before.peek().map(moved);
    this.chosen.value = chosen && this.within(chosen);
  }

  private within({ from, to }: Window): Window | null {
    const home = this.home();
    const all = home.to - home.from;
    const size = Math.min(Math.max(to - from, 1), all);
    if (size >= all) return null;
    const start = Math.min(Math.max(from, home.from), home.to - size);
    return { from: start, to: start + size };
  }

  /** Shows this part of the time, and remembers the one before. */
  to(window: Window): void {
    const chosen = this.within(window);
    const now = this.chosen.peek();
    if (now?.from === chosen?.from && now?.to === chosen?.to) return;
    this.before.value = [...this.before.peek(), now];
    this.chosen.value = chosen;
  }

  all(): void {
    this.to(this.home());
  }

  back(): void {
    const before = this.before.peek();
    if (before.length === 0) this.chosen.value = null;
    else this.backTo(before.length - 1);
  }

  /** Returns to a part that was shown before. */
  backTo(index: number): void {
    this.chosen.value = this.before.peek()[index] ?? null;
    this.before.value = this.before.peek().slice(0, index);
  }

  private turn(window: Window): void {
    const now = performance.now();
    if (now - this.lastTurn > GESTURE_MILLIS) this.to(window);
    else this.chosen.value = this.within(window);
    this.lastTurn = now;
  }

  /** Zooms by a factor around a time. */
  around(center: number, factor: number): void {
    const { from, to } = this.window.peek();
    const at = (center - from) / (to - from);
    const size = (to - from) * factor;
    this.turn({ from: center - size * at, to: center + size * (1 - at) });
  }

  /** Moves by a share of what is shown. */
  pan(share: number): void {
    const { from, to } = this.window.peek();
    const by = (to - from) * share;
    this.turn({ from: from + by, to: to + by });
  }
}
