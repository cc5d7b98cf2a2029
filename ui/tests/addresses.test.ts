import { expect, test } from "vitest";
import { modernized, traceId } from "../src/legacy-urls.ts";
import { destination } from "../src/shell/omnibox.tsx";
import { attribute } from "../src/traceql.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const OTHER = "1af7651916cd43dd8448eb211c80319d";
const BASE64 = "CvdlGRbNQ92ESOshHIAxnA==";

test.each([
  [ID, ID],
  [ID.toUpperCase(), ID],
  [`0x${ID}`, ID],
  [`00-${ID}-b7ad6b7169203331-01`, ID],
  ["0af76519-16cd-43dd-8448-eb211c80319c", ID],
  [BASE64, ID],
  ["-_dlGRbNQ92ESOshHIAxnA==", "fbf7651916cd43dd8448eb211c80319c"],
  ["8448eb211c80319c", "8448eb211c80319c"],
  ["checkout", null],
  ["{ status = error }", null],
])("the trace id in %s", (text, id) => expect(traceId(text)).toBe(id));

const readable = (place: { path: string; query: URLSearchParams }) => {
  const query = decodeURIComponent(place.query.toString()).replaceAll("+", " ");
  return query ? `${place.path}?${query}` : place.path;
};

const there = (url: string) => {
  const { pathname, searchParams } = new URL(url, "http://x");
  const place = modernized({ path: pathname, query: searchParams });
  return place && readable(place);
};

// Jaeger
test.each([
  [`/trace/${ID}`, null],
  [`/trace/${ID.toUpperCase()}`, `/trace/${ID}`],
  [`/trace/${BASE64}`, `/trace/${ID}`],
  [`/trace/${encodeURIComponent(BASE64)}`, `/trace/${ID}`],
  [`/trace/${ID}?uiFind=payment`, `/trace/${ID}?f=payment`],
  [`/trace/${ID}?uiFind=b7ad6b7169203331`, `/trace/${ID}?span=b7ad6b7169203331`],
  [`/trace/${ID}?svcFilter=3.ff&uiEmbed=v0`, null],
  [`/trace/${ID}...${OTHER}`, null],
  [`/trace/${ID}...${OTHER}?cohort=${ID}&cohort=${OTHER}`, `/trace/${ID}...${OTHER}`],
  [`/trace/${ID.toUpperCase()}...${BASE64}`, `/trace/${ID}...${ID}`],
  [`/trace/${ID}...XQbPpVdDSQtx%2F1bCdraZ0w%3D%3D`, `/trace/${ID}...5d06cfa55743490b71ff56c276b699d3`],
  [`/compare/${ID}...${OTHER}`, `/trace/${ID}...${OTHER}`],
  [`/trace/${ID}...typical`, null],
  ["/search?service=cart&lookback=2d", '/search?q={ resource.service.name = "cart" }&from=now-2d'],
  [
    "/search?service=cart&operation=GET&minDuration=100ms&maxDuration=1.2s&start=1700000000000000&end=1700000060000000&limit=7&lookback=custom",
    '/search?q={ resource.service.name = "cart" && name = "GET" && duration >= 100ms && duration <= 1.2s }&from=1700000000000000&to=1700000060000000&limit=7',
  ],
  [
    '/search?service=cart&tags={"error":"true","http.status_code":"500","peer":"db"}',
    '/search?q={ resource.service.name = "cart" && status = error && (.http.status_code = "500" || .http.status_code = 500) && .peer = "db" }',
  ],
  [
    "/search?service=cart&tag=peer:db:1&tags=broken",
    '/search?q={ resource.service.name = "cart" && .peer = "db:1" }',
  ],
  ["/search?lookback=1h", "/search?q={}&from=now-1h"],
  [`/search?traceID=${ID.toUpperCase()}&span=b7ad6b7169203331@${ID}`, `/trace/${ID}?span=b7ad6b7169203331`],
  [`/search?traceID=${ID}&traceID=${OTHER}&view=ddg`, `/trace/${ID}...${OTHER}`],
  [
    `/search?traceID=${ID}&traceID=${OTHER}&traceID=8448eb211c80319c`,
    `/search?q={ trace:id = "${ID}" || trace:id = "${OTHER}" || trace:id = "8448eb211c80319c" }`,
  ],
  ["/dependencies", "/map"],
  ["/deep-dependencies?service=cart&operation=GET", "/map?focus=cart"],
  ["/monitor?service=cart&spanKind=server", "/services/cart"],
  ["/monitor", "/"],
  ["/quality-metrics", "/"],
  ["/search?q={}", null],
  ["/trace/%E0%A4%A", null],
])("the address of Jaeger %s", (url, ours) => expect(there(url)).toBe(ours));

// Zipkin and Aspire
test.each([
  [`/zipkin/traces/${ID}`, `/trace/${ID}`],
  [
    "/zipkin/?serviceName=cart&minDuration=1500",
    '/search?q={ resource.service.name = "cart" && duration >= 1500us }',
  ],
  [
    "/zipkin/?serviceName=cart&spanName=get&annotationQuery=error and http.method=GET and ws&lookback=15m&limit=10",
    '/search?q={ resource.service.name = "cart" && name = "get" && status = error && .http.method = "GET" && (event:name = "ws" || .ws != nil) }&from=now-15m&limit=10',
  ],
  [
    "/zipkin/?serviceName=cart&lookback=range&startTs=1700000000000&endTs=1700000060000",
    '/search?q={ resource.service.name = "cart" }&from=1700000000000&to=1700000060000',
  ],
  [
    "/zipkin/?serviceName=cart&lookback=60000&endTs=1700000060000",
    '/search?q={ resource.service.name = "cart" }&from=1700000000000&to=1700000060000',
  ],
  ["/zipkin/", "/"],
  [
    "/zipkin/dependency?startTime=1700000000000&endTime=1700000060000",
    "/map?from=1700000000000&to=1700000060000",
  ],
  ["/traceViewer", "/upload"],
  [`/traces/detail/${ID}?spanId=b7ad6b7169203331`, `/trace/${ID}?span=b7ad6b7169203331`],
])("the address of Zipkin or Aspire %s", (url, ours) => expect(there(url)).toBe(ours));

const explore = (pane: unknown) =>
  `/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`;
const DRILLDOWN = "/a/grafana-exploretraces-app/explore?var-ds=tempo";

// Grafana
test.each([
  [
    explore({
      queries: [{ query: ID, queryType: "traceql" }],
      panelsState: { trace: { spanId: "b7ad6b7169203331" } },
    }),
    `/trace/${ID}?span=b7ad6b7169203331`,
  ],
  [
    explore({ queries: [{ query: "{ status = error }" }], range: { from: "now-6h", to: "now" } }),
    "/search?q={ status = error }&from=now-6h",
  ],
  [
    explore({
      queries: [
        {
          queryType: "traceqlSearch",
          filters: [
            { tag: "service.name", operator: "=", scope: "resource", value: ["cart"], valueType: "string" },
            { tag: "status", operator: "=", scope: "intrinsic", value: "error", valueType: "keyword" },
            { tag: "region", operator: "=", scope: "unscoped", value: ["a", "b"] },
            { tag: "empty", operator: "=", scope: "span" },
          ],
        },
      ],
      range: { from: "1700000000000", to: "1700000060000" },
    }),
    '/search?q={ resource.service.name = "cart" && status = error && .region =~ "a|b" }&from=1700000000000&to=1700000060000',
  ],
  [
    `/explore?left=${encodeURIComponent(JSON.stringify(["now-1h", "now", "Tempo", { query: ID }]))}`,
    `/trace/${ID}`,
  ],
  [`/explore?left=${encodeURIComponent(JSON.stringify({ queries: [{ query: ID }] }))}`, `/trace/${ID}`],
  ["/explore?panes=broken", null],
  [explore({ queries: [{ query: "rate(x[5m])" }] }), null],
  [`${DRILLDOWN}&traceId=${ID.toUpperCase()}&spanId=b7ad6b7169203331`, `/trace/${ID}?span=b7ad6b7169203331`],
  [
    `${DRILLDOWN}&var-primarySignal=nestedSetParent<0&var-filters=resource.service.name|=|cart&var-filters=duration|>|1s&var-metric=errors&from=now-30m&to=now&var-groupBy=name`,
    '/search?q={ nestedSetParent<0 && resource.service.name = "cart" && duration > 1s && status = error }&facets=name&from=now-30m',
  ],
  [
    `${DRILLDOWN}&var-primarySignal=true&actionView=structure&var-filters=status|=|error`,
    "/structure?q={ status = error }",
  ],
  [`${DRILLDOWN}&actionView=comparison&var-metric=errors`, "/compare?sel={ status = error }"],
])("the address of Grafana %s", (url, ours) => expect(there(url)).toBe(ours));

test.each([
  [ID, `/trace/${ID}`],
  [`  ${ID}\n`, `/trace/${ID}`],
  [`http://jaeger:16686/trace/${ID}?uiFind=x`, `/trace/${ID}?f=x`],
  [`http://jaeger:16686/trace/${ID}`, `/trace/${ID}`],
  [`https://host/below/jaeger/trace/${ID}...${OTHER}`, `/trace/${ID}...${OTHER}`],
  [`https://host/jaeger/search?service=cart`, "/search?q=%7B+resource.service.name+%3D+%22cart%22+%7D"],
  [`https://grafana/sub${explore({ queries: [{ query: ID }] })}`, `/trace/${ID}`],
  ["http://zipkin:9411/zipkin/?lookback=15m", "/search?q=%7B%7D&from=now-15m"],
  ["{ status = error }", "/search?q=%7B+status+%3D+error+%7D"],
  [`${ID}...${OTHER.toUpperCase()}`, `/trace/${ID}...${OTHER}`],
  ["", null],
  ["https://", null],
  ["https://example.com/blog", null],
  ["https://grafana/explore?panes=broken", null],
])("%s leads to %s", (text, to) => expect(destination(text)).toBe(to));

test("words are looked for, whatever is in them", () => {
  expect(decodeURIComponent(destination("a.b (c)") ?? "")).toContain("(?i).*a\\\\.b+\\\\(c\\\\).*");
});

test("keys that need quotes have them", () => {
  expect(attribute("span", "http.route")).toBe("span.http.route");
  expect(attribute("span", "a b")).toBe('span."a b"');
});
