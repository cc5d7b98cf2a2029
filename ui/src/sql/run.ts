/** Running a query: its rows as they come, until all are there, there are too many, or somebody stops it. */
import { type Signal, signal } from "@preact/signals";
import { ask } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import { AnswerReader, type Column, type Row } from "./reader.ts";

/** Why there are no more rows. */
export type Ending = "all" | "rows" | "size" | "stopped" | "failed";

export interface Answer {
  readonly query: string;
  readonly range: Range;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** `null` while rows are coming. */
  readonly ending: Ending | null;
  /** What went wrong behind the first rows. */
  readonly error: string | null;
  /** How long it has taken. */
  readonly millis: number;
}

export interface Running {
  readonly answer: Answer | null;
  /** What went wrong before the first rows. */
  readonly error: Error | null;
  readonly isRunning: boolean;
}

/** How many rows a page takes, by the address, and when that says nothing. */
export const ROW_LIMITS = [1_000, 10_000, 100_000] as const;
export const ROWS = 10_000;

/** Characters of an answer that a page holds. */
const SIZE_MAX = 64e6;
/** Milliseconds between two looks at what has come. */
const SHOWN_EVERY = 200;

const NANOS_PER_MILLI = 1_000_000n;
const nanos = (millis: number) => String(BigInt(Math.round(millis)) * NANOS_PER_MILLI);

/** The address that a query over this time is sent to. */
export function addressOf({ from, to }: Range): string {
  return `/api/sql?start=${nanos(from)}&end=${nanos(to)}`;
}

/** Asks for an answer in some form. */
export function post(query: string, range: Range, accept: string, signal: AbortSignal): Promise<Response> {
  const headers = { accept, "content-type": "text/plain" };
  return ask(addressOf(range), { method: "POST", headers, body: query, signal });
}

/** A whole answer of few rows. */
export async function rowsOf(query: string, range: Range, signal: AbortSignal): Promise<readonly Row[]> {
  const response = await post(query, range, "application/json", signal);
  const reader = new AnswerReader();
  reader.push(await response.text());
  if (reader.error) throw new Error(reader.error);
  return reader.rows;
}

/** The query of a page: one at a time, the one before is given up. */
export class SqlRun {
  readonly state: Signal<Running> = signal({ answer: null, error: null, isRunning: false });
  private running: AbortController | null = null;

  async start(query: string, range: Range, rowsMax: number, ended: (answer: Answer) => void): Promise<void> {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.state.value = { ...this.state.peek(), error: null, isRunning: true };
    const show = (answer: Answer) => {
      if (this.running !== running) return;
      this.state.value = { answer, error: null, isRunning: answer.ending === null };
    };
    try {
      const answer = await read({ query, range }, rowsMax, running, show);
      if (this.running !== running) return;
      show(answer);
      ended(answer);
    } catch (error) {
      if (this.running !== running) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      this.state.value = { ...this.state.peek(), error: failure, isRunning: false };
    }
  }

  /** Gives up what is under way; the rows that have come stay. */
  stop(): void {
    this.running?.abort();
    this.running = null;
    const { answer, isRunning } = this.state.peek();
    if (!isRunning) return;
    const isPart = answer?.ending === null;
    this.state.value = {
      answer: isPart ? { ...answer, ending: "stopped" } : answer,
      error: isPart ? null : new Error("Stopped before the first rows had come."),
      isRunning: false,
    };
  }

  /** Forgets everything. */
  clear(): void {
    this.running?.abort();
    this.running = null;
    this.state.value = { answer: null, error: null, isRunning: false };
  }
}

async function read(
  question: { readonly query: string; readonly range: Range },
  rowsMax: number,
  running: AbortController,
  show: (answer: Answer) => void,
): Promise<Answer> {
  const begun = performance.now();
  const response = await post(question.query, question.range, "application/json", running.signal);
  const reader = new AnswerReader();
  const decoder = new TextDecoder();
  const answer = (ending: Ending | null, error = reader.error): Answer => ({
    ...question,
    columns: reader.columns,
    rows: reader.rows.slice(0, rowsMax),
    ending,
    error,
    millis: performance.now() - begun,
  });
  let [size, shown] = [0, 0];
  try {
    for (const body = response.body?.getReader(); body; ) {
      const { value, done } = await body.read();
      if (done) break;
      const piece = decoder.decode(value, { stream: true });
      size += piece.length;
      reader.push(piece);
      const ending = reader.rows.length > rowsMax ? "rows" : size > SIZE_MAX ? "size" : null;
      if (ending) {
        // The server stops when nobody reads on.
        running.abort();
        return answer(ending);
      }
      if (performance.now() - shown > SHOWN_EVERY && reader.columns.length > 0) {
        show(answer(null));
        shown = performance.now();
      }
    }
  } catch (error) {
    if (running.signal.aborted || reader.columns.length === 0) throw error;
  }
  if (reader.isWhole) return answer(reader.error ? "failed" : "all");
  return answer("failed", "The connection ended before the answer did. Is the server running?");
}
