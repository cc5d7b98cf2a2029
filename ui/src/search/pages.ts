/** Results that come in pieces: the first few at once, then the rest, and more when somebody asks. */
import { signal } from "@preact/signals";
import { type SearchPage, type SearchRequest, searchPage, type TraceResult } from "../api/search.ts";

/** So many are there before the eye is; asked for where that costs nothing, in the order of time. */
const FIRST = 10;
/** A piece of what follows. */
const PIECE_MAX = 100;

export interface Found {
  readonly traces: readonly TraceResult[];
  readonly error: Error | null;
  readonly loading: boolean;
  /** Whether the reader stopped before the end. */
  readonly canceled: boolean;
  /** Whether something follows. */
  readonly more: boolean;
  /** How many were wanted. */
  readonly wanted: number;
  /** Whether an answer to the latest question has come. */
  readonly current: boolean;
}

type Ask = (request: SearchRequest, signal: AbortSignal) => Promise<SearchPage>;

export type Question = Omit<SearchRequest, "limit" | "after">;

const NOTHING: Found = {
  traces: [],
  error: null,
  loading: false,
  canceled: false,
  more: false,
  wanted: 0,
  current: false,
};

export class Pages {
  readonly found = signal<Found>(NOTHING);
  private running: AbortController | null = null;
  private question: Question | null = null;
  private next: string | undefined;

  constructor(private readonly ask: Ask = searchPage) {}

  /** Asks something new. What was there stays until the first answer is. */
  async start(question: Question, wanted: number): Promise<void> {
    this.question = question;
    this.next = undefined;
    await this.read(question, [], wanted);
  }

  /** Goes on after what is there, until there are as many as are wanted. */
  async until(wanted: number): Promise<void> {
    const { traces, more, loading } = this.found.peek();
    if (!this.question || loading || !more || traces.length >= wanted) return;
    await this.read(this.question, traces, wanted);
  }

  private async read(question: Question, before: readonly TraceResult[], wanted: number): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const isNew = before.length === 0;
    this.set({ loading: true, error: null, canceled: false, wanted, current: !isNew });
    let traces = before;
    try {
      for (;;) {
        const isFirst = traces.length === 0 && question.order === "start";
        const limit = Math.min(wanted - traces.length, isFirst ? FIRST : PIECE_MAX);
        const page = await this.ask({ ...question, limit, after: this.next }, running.signal);
        if (this.running !== running) return;
        traces = [...traces, ...page.traces];
        this.next = page.next ?? undefined;
        const done = page.next === null || traces.length >= wanted;
        this.set({ traces, current: true, loading: !done, more: page.next !== null });
        if (done) return;
      }
    } catch (error) {
      if (this.running !== running || running.signal.aborted) return;
      this.set({ loading: false, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  /** Stops; what has come stays. */
  cancel(): void {
    if (!this.found.peek().loading) return;
    this.running?.abort();
    this.running = null;
    this.set({ loading: false, canceled: true });
  }

  private set(change: Partial<Found>): void {
    this.found.value = { ...this.found.peek(), ...change };
  }
}

/** The share of what was wanted that is there. */
export function progressOf({ traces, wanted, loading, current }: Found): number {
  if (!loading) return 1;
  return current && wanted > 0 ? Math.min(1, traces.length / wanted) : 0;
}
