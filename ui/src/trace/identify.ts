/** The ids of a large trace's spans come behind its picture: they take as long as all of the rest. */
import type { TraceState } from "./state.ts";

/** How long to wait before each further question; the last one again and again. */
const AGAIN_MILLIS = [1000, 2000, 5000, 10_000] as const;

/**
 * Asks for the ids that a trace lacks, once what it has is drawn, until they are there or the returned function is
 * called. When the trace has other spans by then, it has to be loaded again.
 */
export function identify(state: TraceState, reload: () => void): () => void {
  const { ids } = state.source;
  if (state.isIdentified.peek() || !ids) return () => {};
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async (tries: number) => {
    try {
      const found = await ids(state.skeleton, stop.signal);
      if (stop.signal.aborted) return;
      if (found) state.identify(found);
      else reload();
    } catch {
      if (stop.signal.aborted) return;
      timer = setTimeout(() => ask(tries + 1), AGAIN_MILLIS[Math.min(tries, AGAIN_MILLIS.length - 1)]);
    }
  };
  timer = setTimeout(() => ask(0));
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
