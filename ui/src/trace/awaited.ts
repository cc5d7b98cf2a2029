/** A trace that is opened before its first span has arrived: from a line of a log, a moment too early. */
import { ApiError } from "../api/http.ts";

/** How long to wait before each further question: half a minute in all. */
export const AGAIN_MILLIS = [1000, 1500, 2500, 4000, 5000, 5000, 5000, 6000] as const;

/** Asks until the answer is there, or for half a minute; says before the second question that nothing is there yet. */
export async function awaited<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  notYet: () => void,
): Promise<T> {
  for (const pause of AGAIN_MILLIS) {
    try {
      return await ask(signal);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404) || signal.aborted) throw error;
    }
    notYet();
    await pauseOf(pause, signal);
  }
  return await ask(signal);
}

function pauseOf(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener("abort", done, { once: true });
  });
}
