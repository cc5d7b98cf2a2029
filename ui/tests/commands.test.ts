import { expect, test } from "vitest";
import { age, limitText } from "../src/admin/limits.ts";
import { lossesOf, partsOf, perSecond } from "../src/admin/tenant.ts";
import { levelsOf, timelineOf } from "../src/admin/timeline.ts";
import type { Block, Tenant } from "../src/api/schema.ts";
import { type Command, offered } from "../src/shell/commands.ts";
import { bytes } from "../src/text/bytes.ts";

const command = (label: string): Command => ({ label, hint: "", icon: "search" });
const labels = (found: readonly Command[]) => found.map(({ label }) => label);

test("what is typed comes first, then what has the words", () => {
  const commands = ["Services", "Search", "Theme: dark", "Live"].map(command);
  const services = ["cart", "search"].map(command);
  const typed = command('Search for "sea"');
  expect(labels(offered("", null, services, commands))).toEqual(labels(commands));
  expect(labels(offered("sea", typed, services, commands))).toEqual(['Search for "sea"', "search", "Search"]);
  expect(labels(offered("> dark theme", null, services, commands))).toEqual(["Theme: dark"]);
  // What begins with the words comes before what has them somewhere.
  expect(labels(offered("ar", typed, [command("cart"), command("archive")], []))).toEqual([
    typed.label,
    "archive",
    "cart",
  ]);
});

test("sizes and ages are short", () => {
  expect([0, 512, 1023, 17_400_000, 5e12].map(bytes)).toEqual([
    "0 B",
    "512 B",
    "1.00 KiB",
    "16.6 MiB",
    "4.55 TiB",
  ]);
  expect([0, 59, 300, 3660, 100_000, 1_209_600].map(age)).toEqual([
    "0 s",
    "59 s",
    "5 min",
    "1 h 1 min",
    "1 d 3 h",
    "14 d",
  ]);
  expect(limitText("rate_limit_bytes", 31_457_280)).toBe("30.0 MiB/s");
  expect(limitText("max_search_duration_seconds", 86_400)).toBe("1 d");
  expect(limitText("max_spans_per_trace", null)).toBe("no limit");
  expect(limitText("max_spans_per_trace", 100_000)).toBe("100,000");
});

test("what was not stored, most first, with the reason", () => {
  const tenant = {
    rejected: { too_large: 3, malformed: 0 },
    refused: { memory: 20 },
    failed: 1,
  } as unknown as Tenant;
  const losses = lossesOf(tenant);
  expect(losses.map(({ reason, fate, spans }) => [reason, fate, spans])).toEqual([
    ["memory", "refused", 20],
    ["too_large", "rejected", 3],
    ["storing", "failed", 1],
  ]);
  for (const { why } of losses) expect(why).not.toBe("");
});

test("a rate needs two looks at the same process", () => {
  expect(perSecond(null, { spans: 5, at: 1000 })).toBeNull();
  expect(perSecond({ spans: 5, at: 0 }, { spans: 105, at: 2000 })).toBe(50);
  expect(perSecond({ spans: 500, at: 0 }, { spans: 105, at: 2000 })).toBeNull();
});

test("the table of the parts of the process", () => {
  const text = `GET /status/services
+--------------+---------+--------------+
| SERVICE NAME | STATUS  | FAILURE CASE |
+--------------+---------+--------------+
| compaction   | Running |              |
| store        | Failed  | disk full    |
+--------------+---------+--------------+
`;
  expect(partsOf(text)).toEqual([
    { name: "compaction", status: "Running", failure: "" },
    { name: "store", status: "Failed", failure: "disk full" },
  ]);
});

test("blocks stand where their spans are, a lane per level", () => {
  const block = (id: string, level: number, from: number, to: number, size: number): Block => ({
    id,
    level,
    startUnixNanos: `${from}000000`,
    endUnixNanos: `${to}000000`,
    spans: 10,
    traces: 2,
    bytes: size,
    writtenUnixNanos: `${to}000000`,
  });
  const blocks = [block("a", 0, 500, 750, 50), block("b", 1, 0, 500, 200)];
  const { placed, levels, from, to } = timelineOf(blocks, 1000);
  expect([levels, from, to]).toEqual([2, 0, 1000]);
  expect(placed.map(({ left, width, weight }) => [left, width, weight])).toEqual([
    [0.5, 0.25, 0.25],
    [0, 0.5, 1],
  ]);
  expect(levelsOf(blocks)).toEqual([
    { level: 0, count: 1, spans: 10, bytes: 50 },
    { level: 1, count: 1, spans: 10, bytes: 200 },
  ]);
  expect(timelineOf([], 1000).placed).toEqual([]);
});
