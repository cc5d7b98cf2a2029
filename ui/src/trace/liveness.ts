/** Whether more spans of a trace can be expected, and when to ask for them. */
import { parentMissing, type Skeleton } from "../api/trace.ts";

/** A whole trace gets no spans later than this after its last one, nor after some that came late. */
const RECENT_MILLIS = 120_000;
/** Of a trace that lacks parents or a root, more is to come. */
const INCOMPLETE_MILLIS = 600_000;
const FIRST_PAUSE_MILLIS = 2000;
const PAUSE_MILLIS_MAX = 20_000;

/** What the page has seen, in Unix milliseconds. */
export interface Seen {
  readonly openedAt: number;
  /** When spans came last while it was open. */
  readonly newsAt: number | null;
}

/** Whether a span has no root above it, or there is no root at all. */
export function isIncomplete({ n, parents, flags, missingParents }: Skeleton): boolean {
  if (missingParents > 0) return true;
  for (let i = 0; i < n; i++) if ((parents[i] ?? -1) < 0 && !parentMissing(flags[i] ?? 0)) return false;
  return true;
}

/** Until when it is asked for more spans, Unix milliseconds. */
export function liveUntil(skeleton: Skeleton, { openedAt, newsAt }: Seen): number {
  let last = 0;
  for (let i = 0; i < skeleton.n; i++)
    last = Math.max(last, (skeleton.starts[i] ?? 0) + (skeleton.durations[i] ?? 0));
  const end = Number(skeleton.startUnixNanos / 1_000_000n) + last / 1e6;
  const own = end + (isIncomplete(skeleton) ? INCOMPLETE_MILLIS : RECENT_MILLIS);
  const late = newsAt === null ? own : Math.max(own, newsAt + RECENT_MILLIS);
  // A clock that is ahead does not have the page ask for hours.
  return Math.min(late, Math.max(openedAt, newsAt ?? 0) + INCOMPLETE_MILLIS);
}

/** How long to wait before the next question, after so many answers without a new span. */
export function pauseAfter(quiet: number): number {
  return Math.min(FIRST_PAUSE_MILLIS * 1.5 ** quiet, PAUSE_MILLIS_MAX);
}
