import { expect, test } from "vitest";
import type { ExploreLink } from "../src/api/schema.ts";
import { exploreUrl, type SpanFacts } from "../src/trace/outside/explore.ts";
import { fill, fillUrl, type Lookup, namesIn } from "../src/trace/outside/fill.ts";
import { linkOf } from "../src/trace/outside/links.tsx";
import { inLists } from "../src/trace/outside/values.ts";

const of =
  (values: Record<string, string>): Lookup =>
  (name) =>
    values[name];

test.each([
  ["https://x/#{pod}?t=#{at | epoch_micros_to_date_iso}", "https://x/a%20b?t=2024-01-01T00%3A00%3A00.000Z"],
  ["/hosts/#{ pod }", "/hosts/a%20b"],
  ["https://x/#{n | add 5 | pad_start 4 0}", "https://x/0012"],
  ["#{address}", "https://runbook/a b"],
  ["https://x/#{nothing}", null],
  ["https://x/#{pod | unknown}", null],
  ["https://x/#{pod | epoch_micros_to_date_iso}", null],
  ["#{script}", null],
])("%s is filled", (template, wanted) => {
  const values = {
    pod: "a b",
    at: "1704067200000000",
    n: "7",
    address: "https://runbook/a b",
    script: "javascript:alert(1)",
  };
  expect(fillUrl(template, of(values))).toBe(wanted);
});

test("a text is filled as it is, and a link has both or is none", () => {
  expect(fill("Logs of #{pod}", of({ pod: "a b" }))).toBe("Logs of a b");
  expect(namesIn("#{a}/#{b | add 1}")).toEqual(["a", "b"]);
  const pattern = { on: "span", keys: ["pod"], url: "/#{pod}", text: "#{name}" } as const;
  expect(linkOf(pattern, of({ pod: "p", name: "n" }))).toEqual({ url: "/p", text: "n" });
  expect(linkOf(pattern, of({ pod: "p" }))).toBe(null);
});

test("the nearest list with a value has it", () => {
  const list = (value: string) => [{ key: "a", value: { stringValue: value } }];
  expect(inLists([[], list("own"), list("above")])("a")).toBe("own");
  expect(inLists([[]])("a")).toBe(undefined);
});

/** As Grafana writes it in a query. */
const variable = (name: string) => ["$", "{", name, "}"].join("");

const SPAN: SpanFacts = {
  traceId: "4f",
  spanId: "b7",
  name: 'GET "/"',
  startMillis: 10_000,
  endMillis: 12_000,
  duration: 2e9,
  attribute: of({ "service.name": 'a"b', pod: "p" }),
};
const LINK: ExploreLink = {
  signal: "logs",
  text: "Logs",
  grafana: "https://g",
  datasourceUid: "u",
  datasourceType: "loki",
  tags: [
    { key: "service.name", label: "service" },
    { key: "gone", label: "gone" },
    { key: "pod", label: "pod" },
  ],
  query: null,
  byTraceId: true,
  bySpanId: false,
  profileType: null,
  startShiftMillis: -5000,
  endShiftMillis: 1000,
};

function panes(link: Partial<ExploreLink>) {
  const url = exploreUrl({ ...LINK, ...link }, SPAN);
  if (url === null) return null;
  const found = new URL(url);
  expect(found.origin + found.pathname).toBe("https://g/explore");
  return JSON.parse(found.searchParams.get("panes") ?? "").spandrel;
}

test("logs of a span in Loki", () => {
  expect(panes({})).toEqual({
    datasource: "u",
    queries: [
      {
        refId: "A",
        datasource: { uid: "u", type: "loki" },
        expr: '{service="a\\"b", pod="p"} |= "4f"',
      },
    ],
    range: { from: "5000", to: "13000" },
  });
});

test.each([
  [
    "a query of one's own",
    { query: `{${variable("__tags")}} |= "${variable("__span.traceId")}"` },
    { expr: '{service="a\\"b", pod="p"} |= "4f"' },
  ],
  ["an attribute by its name", { query: `{p="${variable('__span.tags["pod"]')}"}` }, { expr: '{p="p"}' }],
  ["what the span lacks", { query: variable("__span.tags.gone") }, null],
  ["no label at all", { tags: [] }, null],
  [
    "lucene",
    { datasourceType: "elasticsearch", bySpanId: true },
    { query: '"4f" AND "b7" AND service:"a\\"b" AND pod:"p"' },
  ],
  [
    "metrics",
    { signal: "metrics", query: "rate(x{$__tags}[5m])" },
    { expr: 'rate(x{service="a\\"b", pod="p"}[5m])' },
  ],
  ["metrics without a query", { signal: "metrics" }, null],
  [
    "profiles",
    { signal: "profiles", profileType: "cpu" },
    { profileTypeId: "cpu", spanSelector: ["b7"], labelSelector: '{service="a\\"b", pod="p"}' },
  ],
] as const)("%s", (_, link, wanted) => {
  const found = panes(link as Partial<ExploreLink>);
  if (wanted === null) expect(found).toBe(null);
  else expect(found.queries[0]).toMatchObject(wanted);
});
