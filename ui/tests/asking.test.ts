import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, get } from "../src/api/http.ts";
import { sending, sendTestTrace } from "../src/home/test-trace.ts";
import { place } from "../src/router.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A server that says nothing until the request is given up. */
const silent = (_: string, { signal }: RequestInit) =>
  new Promise<Response>((_, fail) => {
    signal?.addEventListener("abort", () => fail(new DOMException("aborted", "AbortError")));
  });

test("a question that nobody answers is given up, in words", async () => {
  vi.stubGlobal("fetch", silent);
  const asked = get("/api/ui/tenant", {}, new AbortController().signal);
  const failed = expect(asked).rejects.toThrow("The server has not answered within 40 s.");
  await vi.advanceTimersByTimeAsync(39_999);
  await vi.advanceTimersByTimeAsync(1);
  await failed;
});

test("a question that nobody wants answered any more is no failure of the server", async () => {
  vi.stubGlobal("fetch", silent);
  const stop = new AbortController();
  const asked = get("/api/ui/tenant", {}, stop.signal);
  const failed = expect(asked).rejects.not.toBeInstanceOf(ApiError);
  stop.abort();
  await failed;
});

test("an answer that takes its time to be read is not given up", async () => {
  vi.stubGlobal("fetch", async () => new Response("late"));
  const response = await get("/api/ui/tenant", {}, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await response.text()).toBe("late");
});

test("a test trace is made once and opened, or it is told why not", async () => {
  const answers: (() => Response)[] = [
    () => new Response("tenant acme: too fast", { status: 429 }),
    () => Response.json({ traceId: "a".repeat(32), spans: 9 }),
  ];
  const asked: RequestInit[] = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    asked.push(init);
    return answers.shift()?.();
  });
  const first = sendTestTrace();
  expect(sending.value).toEqual({ isSending: true, error: null });
  // A second click while one is under way.
  expect(await sendTestTrace()).toBe(null);
  const error = await first;
  expect(error?.message).toBe("tenant acme: too fast");
  expect(sending.value).toEqual({ isSending: false, error });
  expect(await sendTestTrace()).toBe(null);
  expect(sending.value).toEqual({ isSending: false, error: null });
  expect(place.value.path).toBe(`/trace/${"a".repeat(32)}`);
  expect(asked.map(({ method, body }) => [method, body])).toEqual([
    ["POST", "{}"],
    ["POST", "{}"],
  ]);
});
