import { expect, test } from "vitest";
import { href, navigate, setQuery } from "../src/router.ts";
import { refresh, timeRange } from "../src/shell/time-range.ts";

test("a range stays the same object until it, the query or the page changes", () => {
  navigate(href("/search", { q: "{}", from: "now-1h" }));
  const before = timeRange.value;
  setQuery({ view: "spans", node: "x" });
  expect(timeRange.value).toBe(before);
  setQuery({ q: "{ status = error }" });
  const other = timeRange.value;
  expect(other).not.toBe(before);
  setQuery({ from: "now-6h" });
  expect(timeRange.value.to - timeRange.value.from).toBe(6 * 3_600_000);
  const longer = timeRange.value;
  refresh();
  expect(timeRange.value).not.toBe(longer);
});
