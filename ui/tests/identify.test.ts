import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { decodeSkeleton, type Skeleton, spanIdAt, type TraceSource } from "../src/api/trace.ts";
import { identify } from "../src/trace/identify.ts";
import { TraceState } from "../src/trace/state.ts";
import { skeletonBytes } from "./skeleton.ts";

const SPANS = [
  { name: "GET /", start: 0, duration: 1000 },
  { name: "call", parent: 0, start: 10, duration: 20 },
];
const whole = decodeSkeleton(skeletonBytes(SPANS), "tag");
const lean = () => decodeSkeleton(skeletonBytes(SPANS, { hasIds: false }), "tag");

/** A server that answers so, one after the other. */
function source(answers: (BigUint64Array | null | Error)[]) {
  const ids = vi.fn(async (_: Skeleton) => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  });
  const unasked = () => Promise.reject(new Error("nobody asks for this"));
  return { ids, skeleton: unasked, spans: unasked, find: unasked } satisfies TraceSource;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  history.replaceState(null, "", "/");
});

test("without ids everything else is where it was", () => {
  const { ids, hasIds, ...rest } = lean();
  const { ids: known, hasIds: has, ...others } = whole;
  expect(rest).toEqual(others);
  expect([hasIds, has]).toEqual([false, true]);
  expect([...ids]).toEqual([0n, 0n]);
  expect([...known]).not.toContain(0n);
});

test("ids come behind the picture, and what was selected has one then", async () => {
  const from = source([new Error("offline"), whole.ids]);
  const state = new TraceState(lean(), from);
  const stops = [state.followAddress(), identify(state, () => {})];
  state.select(1);
  state.writeAddress();
  expect(location.search).not.toMatch(/span=/);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(from.ids).toHaveBeenCalledTimes(2);
  expect(state.isIdentified.value).toBe(true);
  expect(state.selected.value).toBe(1);
  expect(new URLSearchParams(location.search).get("span")).toBe(spanIdAt(whole, 1));
  for (const stop of stops) stop();
});

test("a trace with other spans by now is loaded again, and one with ids is not asked for them", async () => {
  const reload = vi.fn();
  const grown = source([null]);
  const stop = identify(new TraceState(lean(), grown), reload);
  await vi.advanceTimersByTimeAsync(100);
  expect(reload).toHaveBeenCalledOnce();
  stop();
  const known = source([]);
  identify(new TraceState(whole, known), reload)();
  await vi.advanceTimersByTimeAsync(100);
  expect(known.ids).not.toHaveBeenCalled();
});

test("nothing is asked for a page that was left", async () => {
  const from = source([new Error("offline")]);
  const stop = identify(new TraceState(lean(), from), () => {});
  await vi.advanceTimersByTimeAsync(10);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(from.ids).toHaveBeenCalledOnce();
});
