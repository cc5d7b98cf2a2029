import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../src/api/http.ts";
import { decodeSkeleton, type Skeleton, type TraceSource } from "../src/api/trace.ts";
import { movedBy } from "../src/trace/anchor.ts";
import { AGAIN_MILLIS, awaited } from "../src/trace/awaited.ts";
import { carried } from "../src/trace/carry.ts";
import { ADDED_SPANS_MAX, Late } from "../src/trace/late.ts";
import { liveUntil, pauseAfter } from "../src/trace/liveness.ts";
import { TraceState } from "../src/trace/state.ts";
import { type Made, skeletonBytes } from "./skeleton.ts";

const MINUTE = 60_000;
/** When the traces of these tests begin, Unix milliseconds. */
const START = 1_700_000_000_000;

let tags = 0;
const skeletonOf = (spans: readonly Made[]) => decodeSkeleton(skeletonBytes(spans), `"${++tags}"`);

const root = { id: 1, name: "GET /", start: 0, duration: 1000 };
const call = (id: number, start: number, rest: Partial<Made> = {}): Made => ({
  id,
  name: `call ${id}`,
  parent: 0,
  start,
  duration: 10,
  ...rest,
});

function source(answers: (Skeleton | null)[] = []) {
  const newer = vi.fn(async () => answers.shift() ?? null);
  const unasked = () => Promise.reject(new Error("nobody asks for this"));
  return { newer, skeleton: unasked, spans: unasked, find: unasked } satisfies TraceSource;
}

beforeEach(() => {
  vi.useFakeTimers({ now: START + MINUTE });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a whole trace is live for two minutes, one that lacks something for ten, and news prolong it", () => {
  const seen = { openedAt: START, newsAt: null };
  expect(Math.round(liveUntil(skeletonOf([root]), seen) - START)).toBe(2 * MINUTE);
  const orphan = skeletonOf([root, call(2, 5, { parent: -1, orphan: true })]);
  expect(Math.round(liveUntil(orphan, seen) - START)).toBe(10 * MINUTE);
  const rootless = skeletonOf([call(2, 5, { parent: -1, orphan: true })]);
  expect(Math.round(liveUntil(rootless, seen) - START)).toBe(10 * MINUTE);
  const newsAt = START + 30 * MINUTE;
  expect(liveUntil(skeletonOf([root]), { ...seen, newsAt }) - newsAt).toBe(2 * MINUTE);
});

test("a clock that is ahead does not keep a trace live", () => {
  const openedAt = START - 24 * 60 * MINUTE;
  expect(liveUntil(skeletonOf([root]), { openedAt, newsAt: null }) - openedAt).toBe(10 * MINUTE);
});

test("the pauses between questions grow, up to a limit", () => {
  expect([0, 1, 2, 20].map(pauseAfter)).toEqual([2000, 3000, 4500, 20_000]);
});

test("spans are known by their ids, and those with one id by their order", () => {
  const before = skeletonOf([root, call(7, 10), call(7, 20), call(9, 30)]);
  const after = skeletonOf([root, call(5, 5), call(7, 10), call(7, 20)]);
  expect([...carried(before, after)]).toEqual([0, 2, 3, -1, 4]);
});

test("what the reader did stays with its spans", () => {
  const before = skeletonOf([
    root,
    call(2, 10),
    call(3, 11, { parent: 1 }),
    call(4, 20),
    call(5, 21, { parent: 3 }),
  ]);
  const state = new TraceState(before, source());
  state.toggle(1);
  state.focus(3);
  state.select(4);
  state.zooming.to({ from: 20, to: 25 });
  // The trace began 100 ns earlier than was known, with a call before all others.
  const after: Skeleton = {
    ...skeletonOf([
      { ...root, duration: 1100 },
      call(9, 50),
      call(2, 110),
      call(3, 111, { parent: 2 }),
      call(8, 112, { parent: 2 }),
      call(4, 120),
      call(5, 121, { parent: 5 }),
    ]),
    startUnixNanos: before.startUnixNanos - 100n,
  };
  state.grow(after);
  expect([...state.collapsed.value]).toEqual([2]);
  expect([state.root.value, state.selected.value]).toEqual([5, 6]);
  expect(state.zooming.chosen.value).toEqual({ from: 120, to: 125 });
  expect([...state.rows.value]).toEqual([5, 6]);
  state.focus(null);
  expect([...state.rows.value]).toEqual([0, 1, 2, 5, 6]);
});

test("runs that were opened stay open, others fold as they get longer", () => {
  const calls = (n: number, parent: number, id: number) =>
    Array.from({ length: n }, (_, k) => call(id + k, 10 + k, { name: "SELECT", parent }));
  const of = (n: number) =>
    skeletonOf([root, call(100, 1), ...calls(n, 1, 2), call(101, 2), ...calls(n, n + 2, 120)]);
  const state = new TraceState(of(12), source());
  state.toggle(~2);
  state.grow(of(15));
  expect([...state.unfolded.value]).toEqual([2]);
  expect(state.rows.value).toHaveLength(1 + 1 + 15 + 1 + 1);
});

test("a selected span that a late parent would hide is shown, and a row for orphans that goes is let go", () => {
  const orphaned = [root, call(2, 5), call(3, 10, { parent: -1, orphan: true })];
  const whole = skeletonOf([root, call(2, 5), call(3, 10, { parent: 1 })]);
  const state = new TraceState(skeletonOf(orphaned), source());
  state.select(2);
  state.collapsed.value = new Set([1]);
  state.grow(whole);
  expect([state.selected.value, state.rowIndex(2)]).toEqual([2, 2]);
  const other = new TraceState(skeletonOf(orphaned), source());
  other.selected.value = 3;
  other.grow(whole);
  expect(other.selected.value).toBeNull();
});

test("what was found stays until the server has looked again", () => {
  const state = new TraceState(skeletonOf([root, call(2, 10)]), source());
  state.finder.matches.value = { positions: [1], has: Uint8Array.of(0, 1) };
  state.grow(skeletonOf([root, call(5, 5), call(2, 10)]));
  expect(state.finder.matches.value).toEqual({ positions: [2], has: Uint8Array.of(0, 0, 1) });
});

test("rows stay in place: the selected one when it is in sight, else the topmost", () => {
  const before = skeletonOf([root, call(2, 10), call(3, 20), call(4, 30)]);
  const after = skeletonOf([root, call(2, 10), call(8, 15), call(3, 20), call(9, 25), call(4, 30)]);
  const [was, is] = [Int32Array.of(0, 1, 2, 3), Int32Array.of(0, 1, 2, 3, 4, 5)];
  const moved = (selected: number | null, first: number, rows = is) =>
    movedBy(
      { skeleton: before, rows: was, selected },
      { skeleton: after, rows, selected },
      { first, last: 4 },
    );
  expect([moved(null, 1), moved(null, 2), moved(3, 1), moved(0, 2)]).toEqual([0, 1, 2, 1]);
  expect(moved(null, 0, Int32Array.of(4, 0, 1, 2, 3))).toBe(0);
  // The topmost row is gone: the next one counts.
  expect(moved(null, 2, Int32Array.of(0, 5))).toBe(-2);
});

test("it is asked with growing pauses while nothing comes, and until the trace is old", async () => {
  const from = source();
  const late = new Late(new TraceState(skeletonOf([root]), from));
  const stop = late.watch();
  expect(late.isLive.value).toBe(true);
  await vi.advanceTimersByTimeAsync(2000 + 3000);
  expect(from.newer).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  expect(late.isLive.value).toBe(false);
  const asked = from.newer.mock.calls.length;
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  expect(from.newer).toHaveBeenCalledTimes(asked);
  stop();
});

test("what comes is added and told, and while the trace stands still nothing is asked", async () => {
  const from = source([skeletonOf([root, call(2, 5), call(3, 7)])]);
  const state = new TraceState(skeletonOf([root]), from);
  const late = new Late(state);
  const stop = late.watch();
  await vi.advanceTimersByTimeAsync(2000);
  expect([state.skeleton.n, late.added.value, late.said.value]).toEqual([3, 2, "2 more spans, 3 in all"]);
  late.isPaused.value = true;
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(from.newer).toHaveBeenCalledTimes(1);
  late.isPaused.value = false;
  expect(from.newer).toHaveBeenCalledTimes(2);
  stop();
});

test("while nobody looks at the page nothing is asked, and whoever comes back gets what has come", async () => {
  const from = source();
  const late = new Late(new TraceState(skeletonOf([root]), from));
  const stop = late.watch();
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(from.newer).not.toHaveBeenCalled();
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(from.newer).toHaveBeenCalledTimes(1);
  hidden.mockRestore();
  stop();
});

test("of a large trace more spans are offered", async () => {
  const large = { ...skeletonOf([root, call(2, 5)]), n: ADDED_SPANS_MAX + 1 };
  const state = new TraceState(skeletonOf([root]), source([large]));
  const late = new Late(state);
  const stop = late.watch();
  await vi.advanceTimersByTimeAsync(2000);
  expect([state.skeleton.n, late.offered.value]).toEqual([1, large]);
  late.accept();
  expect([state.skeleton.n, late.offered.value]).toEqual([large.n, null]);
  stop();
});

test("neither an old trace nor one of a file is asked for", async () => {
  vi.setSystemTime(START + 60 * MINUTE);
  const from = source();
  const old = new Late(new TraceState(skeletonOf([root]), from));
  const stop = old.watch();
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  expect([old.isLive.value, from.newer.mock.calls.length]).toEqual([false, 0]);
  stop();
  vi.setSystemTime(START);
  const { newer: _, ...file } = source();
  const uploaded = new Late(new TraceState(skeletonOf([root]), file));
  uploaded.watch()();
  expect(uploaded.isLive.value).toBe(false);
});

test("a trace that is not there yet is looked for during half a minute", async () => {
  expect(AGAIN_MILLIS.reduce((sum, pause) => sum + pause, 0)).toBe(30_000);
  const missing = new ApiError(404, "trace not found");
  const ask = vi.fn().mockRejectedValueOnce(missing).mockRejectedValueOnce(missing).mockResolvedValue("it");
  const notYet = vi.fn();
  const stop = new AbortController();
  const answer = awaited(ask, stop.signal, notYet);
  await vi.advanceTimersByTimeAsync(2500);
  expect([await answer, notYet.mock.calls.length]).toEqual(["it", 2]);
  const never = expect(awaited(() => Promise.reject(missing), stop.signal, notYet)).rejects.toBe(missing);
  await vi.advanceTimersByTimeAsync(30_000);
  await never;
  const refused = new ApiError(400, "no trace id");
  await expect(awaited(() => Promise.reject(refused), stop.signal, notYet)).rejects.toBe(refused);
});
