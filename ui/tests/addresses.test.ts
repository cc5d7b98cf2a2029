import { expect, test } from "vitest";
import { modernized, traceId } from "../src/legacy-urls.ts";
import { destination } from "../src/shell/omnibox.tsx";
import { attribute, withCondition } from "../src/traceql.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";

test.each([
  [ID, ID],
  [ID.toUpperCase(), ID],
  [`00-${ID}-b7ad6b7169203331-01`, ID],
  ["0af76519-16cd-43dd-8448-eb211c80319c", ID],
  ["CvdlGRbNQ92ESOshHIAxnA==", ID],
  ["8448eb211c80319c", "8448eb211c80319c"],
  ["checkout", null],
  ["{ status = error }", null],
])("the trace id in %s", (text, id) => expect(traceId(text)).toBe(id));

const there = (url: string) => {
  const { pathname, searchParams } = new URL(url, "http://x");
  const place = modernized({ path: pathname, query: searchParams });
  return place && `${place.path}?${decodeURIComponent(place.query.toString()).replaceAll("+", " ")}`;
};

test.each([
  [`/trace/${ID}`, null],
  [`/trace/${ID.toUpperCase()}`, `/trace/${ID}?`],
  [`/trace/CvdlGRbNQ92ESOshHIAxnA==`, `/trace/${ID}?`],
  [`/trace/${ID}?uiFind=payment`, `/trace/${ID}?f=payment`],
  [`/trace/${ID}?uiFind=b7ad6b7169203331`, `/trace/${ID}?span=b7ad6b7169203331`],
  [`/traces/detail/${ID}?spanId=b7ad6b7169203331`, `/trace/${ID}?span=b7ad6b7169203331`],
  [`/zipkin/traces/${ID}`, `/trace/${ID}?`],
  ["/search?service=cart&lookback=2d", '/search?q={ resource.service.name = "cart" }&from=now-2d'],
  [
    "/search?service=cart&operation=GET&minDuration=100ms&maxDuration=1.2s&start=1700000000000000&end=1700000060000000&limit=7",
    '/search?q={ resource.service.name = "cart" && name = "GET" && duration >= 100ms && duration <= 1.2s }&from=1700000000000000&to=1700000060000000&limit=7',
  ],
  [
    '/search?service=cart&tags={"error":"true","http.status_code":"500","peer":"db"}',
    '/search?q={ resource.service.name = "cart" && status = error && (.http.status_code = "500" || .http.status_code = 500) && .peer = "db" }',
  ],
  [
    "/zipkin/?serviceName=cart&minDuration=1500",
    '/search?q={ resource.service.name = "cart" && duration >= 1500us }',
  ],
  ["/dependencies", "/map?"],
  ["/monitor?service=cart", "/?"],
  ["/search?q={}", null],
])("the address %s", (url, ours) => expect(there(url)).toBe(ours));

test.each([
  [ID, `/trace/${ID}`],
  [`http://jaeger:16686/trace/${ID}?uiFind=x`, `/trace/${ID}?f=x`],
  [`http://jaeger:16686/trace/${ID}`, `/trace/${ID}`],
  [
    `https://grafana/explore?schemaVersion=1&panes=${encodeURIComponent(`{"a":{"queries":[{"query":"${ID}"}]}}`)}`,
    `/trace/${ID}`,
  ],
  ["{ status = error }", "/search?q=%7B+status+%3D+error+%7D"],
  ["", null],
  ["https://", null],
])("%s leads to %s", (text, to) => expect(destination(text)).toBe(to));

test("words are looked for, whatever is in them", () => {
  expect(decodeURIComponent(destination("a.b (c)") ?? "")).toContain("(?i).*a\\\\.b+\\\\(c\\\\).*");
});

test("conditions join a filter, and replace what is no filter", () => {
  expect(withCondition("{}", "status = error")).toBe("{ status = error }");
  expect(withCondition("{ name = `x` }", "kind = server")).toBe("{ name = `x` && kind = server }");
  expect(withCondition("{ a = 1 || b = 2 }", "kind = server")).toBe("{ (a = 1 || b = 2) && kind = server }");
  expect(withCondition("{} >> {}", "kind = server")).toBe("{ kind = server }");
  expect(attribute("span", "http.route")).toBe("span.http.route");
  expect(attribute("span", "a b")).toBe('span."a b"');
});
