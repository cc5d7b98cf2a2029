/** Results that come in pieces while the server reads, and more of them when somebody asks. */
import { signal } from "@preact/signals";
import {
  type Piece,
  type SearchProgress,
  type SearchRequest,
  searchPieces,
  type TraceResult,
} from "../api/search.ts";

export interface Found {
  readonly traces: readonly TraceResult[];
  readonly error: Error | null;
  readonly loading: boolean;
  /** Whether the reader stopped before the end. */
  readonly canceled: boolean;
  /** Whether something follows. */
  readonly more: boolean;
  /** Whether an answer to the latest question has come. */
  readonly current: boolean;
  /** How far the server is, or was when somebody stopped it; `null` before it has said so. */
  readonly progress: SearchProgress | null;
}

type Ask = (request: SearchRequest, signal: AbortSignal) => AsyncIterable<Piece>;

export type Question = Omit<SearchRequest, "limit" | "after">;

const NOTHING: Found = {
  traces: [],
  error: null,
  loading: false,
  canceled: false,
  more: false,
  current: false,
  progress: null,
};

export class Pages {
  readonly found = signal<Found>(NOTHING);
  private running: AbortController | null = null;
  private question: Question | null = null;
  private next: string | undefined;

  constructor(private readonly ask: Ask = searchPieces) {}

  /** Asks something new. What was there stays until the first answer is. */
  async start(question: Question, wanted: number): Promise<void> {
    this.question = question;
    this.next = undefined;
    await this.read(question, [], wanted);
  }

  /** Goes on after what is there, until there are as many as are wanted. */
  async until(wanted: number): Promise<void> {
    const { traces, more, loading, current } = this.found.peek();
    // What somebody stopped before it had anything begins again.
    const before = current ? traces : [];
    if (!this.question || loading || !more || before.length >= wanted) return;
    await this.read(this.question, before, wanted);
  }

  private async read(question: Question, before: readonly TraceResult[], wanted: number): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.set({ loading: true, error: null, canceled: false, current: before.length > 0, progress: null });
    let traces = before;
    const request = { ...question, limit: wanted - before.length, after: this.next };
    try {
      for await (const piece of this.ask(request, running.signal)) {
        if (this.running !== running) return;
        traces = [...traces, ...piece.traces];
        this.next = piece.next ?? (piece.done ? undefined : this.next);
        const more = !piece.done || piece.next !== null;
        // Until something is certain, what was there before is better than nothing.
        const current = piece.done || traces.length > 0;
        this.set({
          ...(current && { traces, current }),
          loading: !piece.done,
          more,
          progress: piece.progress,
        });
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
    this.set({ loading: false, canceled: true, more: true });
  }

  private set(change: Partial<Found>): void {
    this.found.value = { ...this.found.peek(), ...change };
  }
}

/** The share of its jobs that a search has done. */
export function shareOf({ loading, progress }: Found): number {
  if (!loading) return 1;
  return progress && progress.jobs > 0 ? progress.jobsDone / progress.jobs : 0;
}
