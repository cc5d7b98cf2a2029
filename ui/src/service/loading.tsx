/** A question, and what is shown until its answer is there. */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { type Loaded, Loader } from "../api/loaded.ts";
import { Failure, Waiting } from "../shell/states.tsx";

/** Asks whenever one of `inputs` has changed. */
export function useAnswer<T>(
  question: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): Loaded<T> & { retry: () => void } {
  const loader = useMemo(() => new Loader<T>(), []);
  const retry = () => void loader.ask(question);
  useEffect(() => {
    retry();
    return () => loader.cancel();
  }, inputs);
  return { ...loader.state.value, retry };
}

/** The answer as `show` draws it; what came last stays when asking again fails. */
export function Answered<T>({
  answer,
  lines = 8,
  show,
}: {
  answer: Loaded<T> & { retry: () => void };
  lines?: number;
  show: (value: T) => ComponentChildren;
}) {
  const { value, error, retry } = answer;
  return (
    <>
      {error && <Failure error={error} retry={retry} kept={value !== null} />}
      {value === null ? !error && <Waiting lines={lines} /> : show(value)}
    </>
  );
}
