/** Spans as they arrive: what is kept, what waits while the reader looks, and how many there are a second. */
import type { LiveEvent, LiveSpan } from "../api/schema.ts";

/** Rows that are kept. */
export const KEPT_MAX = 300;

export interface Rows {
  /** What is shown, newest first. */
  readonly shown: readonly LiveSpan[];
  /** What has come while the reader looked, newest first. */
  readonly waiting: readonly LiveSpan[];
  /** How many of those that waited were let go. */
  readonly lost: number;
}

export const NO_ROWS: Rows = { shown: [], waiting: [], lost: 0 };

/** The rows after spans have come, oldest first as the server sends them. */
export function received(rows: Rows, spans: readonly LiveSpan[], isPaused: boolean): Rows {
  const newest = [...spans].reverse();
  if (!isPaused) return { ...rows, shown: [...newest, ...rows.shown].slice(0, KEPT_MAX) };
  const waiting = [...newest, ...rows.waiting];
  return {
    ...rows,
    waiting: waiting.slice(0, KEPT_MAX),
    lost: rows.lost + Math.max(0, waiting.length - KEPT_MAX),
  };
}

/** The rows when the reader goes on. */
export function resumed({ shown, waiting }: Rows): Rows {
  return { shown: [...waiting, ...shown].slice(0, KEPT_MAX), waiting: [], lost: 0 };
}

/** How long a rate looks back. */
const WINDOW_MILLIS = 3000;

interface Tick {
  readonly at: number;
  readonly received: number;
  readonly sent: number;
}

/** How many spans a second matched, and how many of them came. */
export class Rates {
  private ticks: Tick[] = [];
  private started: number | null = null;

  add({ received, spans }: LiveEvent, at: number): void {
    this.started ??= at;
    this.ticks.push({ at, received, sent: spans.length });
    this.ticks = this.ticks.filter((tick) => tick.at > at - WINDOW_MILLIS);
  }

  at(now: number): { received: number; sent: number } {
    const recent = this.ticks.filter((tick) => tick.at > now - WINDOW_MILLIS);
    // At first less than the window has gone by.
    const seconds = Math.min(WINDOW_MILLIS, Math.max(1000, now - (this.started ?? now))) / 1e3;
    const sum = (of: "received" | "sent") => recent.reduce((total, tick) => total + tick[of], 0) / seconds;
    return { received: sum("received"), sent: sum("sent") };
  }
}
