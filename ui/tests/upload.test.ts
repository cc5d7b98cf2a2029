import { expect, test } from "vitest";
import type { UploadedTrace } from "../src/api/schema.ts";
import { memorySource } from "../src/upload/memory.ts";
import { skeletonBytes } from "./skeleton.ts";

const bytes = new Uint8Array(
  skeletonBytes([
    { name: "GET /", start: 0, duration: 100 },
    { name: "SELECT", service: "db", parent: 0, start: 10, duration: 20 },
  ]),
);

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const times = { startTimeUnixNano: "0", endTimeUnixNano: "1" };

const TRACE: UploadedTrace = {
  traceId: "1",
  root: { service: "web", name: "GET /" },
  spans: 2,
  durationNanos: 100,
  skeleton: btoa(String.fromCharCode(...bytes)),
  otlp: {
    resourceSpans: [
      {
        resource: { attributes: [text("service.name", "web")] },
        scopeSpans: [
          {
            scope: { name: "http", version: "1" },
            spans: [{ traceId: "1", spanId: "0000000000000001", name: "GET /", ...times }],
          },
        ],
      },
      {
        resource: { attributes: [text("service.name", "db")] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: "1",
                spanId: "0000000000000002",
                name: "SELECT",
                attributes: [text("db.table", "Orders")],
                events: [{ timeUnixNano: "0", name: "slow", attributes: [text("why", "Lock")] }],
                ...times,
              },
            ],
          },
        ],
      },
    ],
  },
};

const never = new AbortController().signal;
const source = memorySource(TRACE);

test("a trace of a file has a skeleton and its spans", async () => {
  expect((await source.skeleton(never)).names).toEqual(["GET /", "SELECT"]);
  const [detail, ...more] = await source.spans(["0000000000000001", "00000000000000ff"], never);
  expect(detail?.span.name).toBe("GET /");
  expect(detail?.scope).toEqual({ name: "http", version: "1" });
  expect(more).toEqual([]);
});

test.each([
  ["select", [0, 1]],
  ["orders", [0, 1]],
  ["LOCK", [0, 1]],
  ["slow", [0, 1]],
  ["e", [1, 1]],
  ["-select", [1, 0]],
  ["db.table=orders", [0, 1]],
  ["db.table=order", [0, 0]],
  ["service.name=web", [1, 0]],
  ["0000000000000002", [0, 1]],
])("%s is found in a file", async (words, has) => {
  expect([...(await source.find(words, never))]).toEqual(has);
});

test("TraceQL needs the server", async () => {
  await expect(source.find("{ status = error }", never)).rejects.toThrow("stored traces");
});
