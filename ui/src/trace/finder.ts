/** Looking for spans of a trace: names at once on the page, attributes, events and TraceQL on the server. */
import { effect, type Signal, signal } from "@preact/signals";
import { type Skeleton, spanIdAt, type TraceSource } from "../api/trace.ts";

/** Keys that come faster than this are one question. */
const PAUSE_MILLIS = 80;

/** Spans that were found. */
export interface Matches {
  readonly positions: readonly number[];
  /** One byte per span. */
  readonly has: Uint8Array;
}

export class Finder {
  /** TraceQL when it begins with a brace, else words; `key=value` is exact, `-` in front excludes. */
  readonly text = signal("");
  /** `null` when nothing is looked for. */
  readonly matches: Signal<Matches | null> = signal(null);
  readonly error: Signal<Error | null> = signal(null);
  /** Whether the server has not answered yet. */
  readonly waiting = signal(false);
  /** How often the server has answered about more spans than the page has. */
  readonly behind = signal(0);

  constructor(
    private readonly skeleton: () => Skeleton,
    private readonly source: TraceSource,
  ) {}

  /** Looks whenever the text or the spans change, until the returned function is called. */
  watch(): () => void {
    let asked = "";
    let running: AbortController | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = effect(() => {
      const text = this.text.value.trim();
      const skeleton = this.skeleton();
      const isSame = text === asked;
      asked = text;
      running?.abort();
      clearTimeout(timer);
      this.error.value = null;
      this.waiting.value = false;
      if (text === "") {
        this.matches.value = null;
        return;
      }
      // A query that is still being written is no mistake yet.
      if (!isComplete(text)) return;
      const named = byName(skeleton, text);
      if (named) this.matches.value = matchesOf(isSame ? either(named, this.matches.peek()?.has) : named);
      this.waiting.value = true;
      timer = setTimeout(() => {
        running = new AbortController();
        void this.ask(text, running.signal);
      }, PAUSE_MILLIS);
    });
    return () => {
      stop();
      running?.abort();
      clearTimeout(timer);
    };
  }

  /** What was found, in a later state of the trace. */
  carry(at: Int32Array, n: number): void {
    const found = this.matches.peek();
    if (!found) return;
    const has = new Uint8Array(n);
    for (const position of found.positions) {
      const to = at[position] ?? -1;
      if (to >= 0) has[to] = 1;
    }
    this.matches.value = matchesOf(has);
  }

  private async ask(text: string, signal: AbortSignal): Promise<void> {
    try {
      const has = await this.source.find(text, signal);
      if (signal.aborted) return;
      if (has.length === this.skeleton().n) this.matches.value = matchesOf(has);
      else {
        this.error.value = new Error("More spans have arrived since: load the trace again to look in them.");
        this.behind.value++;
      }
    } catch (error) {
      if (!signal.aborted) this.error.value = error instanceof Error ? error : new Error(String(error));
    } finally {
      if (!signal.aborted) this.waiting.value = false;
    }
  }
}

const either = (a: Uint8Array, b: Uint8Array | undefined) => a.map((has, i) => has | (b?.[i] ?? 0));

/** Whether a query's braces are all closed; words are always complete. */
export function isComplete(text: string): boolean {
  if (!text.startsWith("{")) return true;
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, "");
  return bare.split("{").length === bare.split("}").length;
}

/** What names and ids alone tell of words; `null` where only the server knows. */
export function byName(skeleton: Skeleton, text: string): Uint8Array | null {
  if (/^[{-]/.test(text) || text.includes("=")) return null;
  const words = text.toLowerCase();
  const named = skeleton.names.map((name) => name.toLowerCase().includes(words));
  const served = skeleton.services.map((service) => service.toLowerCase().includes(words));
  const isId = /^[0-9a-f]{16}$/.test(words);
  return Uint8Array.from({ length: skeleton.n }, (_, i) => {
    const found = named[skeleton.nameOf[i] ?? 0] || served[skeleton.serviceOf[i] ?? 0];
    return found || (isId && spanIdAt(skeleton, i) === words) ? 1 : 0;
  });
}

export function matchesOf(has: Uint8Array): Matches {
  const positions: number[] = [];
  for (let i = 0; i < has.length; i++) if (has[i]) positions.push(i);
  return { positions, has };
}
