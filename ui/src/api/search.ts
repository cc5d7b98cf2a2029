/** Searching: Tempo's endpoint, with the order and the cursors that this server adds. */
import { get } from "./http.ts";
import type { AnyValue, SearchAnswer, SearchSpan } from "./schema.ts";
import { valueText } from "./trace.ts";

/** A span that matched. */
export interface SpanResult {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly startMillis: number;
  readonly durationNanos: number;
  /** What was asked for besides, as text, by key. */
  readonly values: Readonly<Record<string, string>>;
}

/** A trace among results. */
export interface TraceResult {
  readonly traceId: string;
  /** Of the root; in angle brackets what the server says instead, when there is none. */
  readonly service: string;
  readonly name: string;
  readonly startMillis: number;
  /** Whole milliseconds: Tempo's answers have no more. */
  readonly durationMillis: number;
  readonly matched: number;
  readonly spans: number;
  readonly errors: number;
  /** Services by how many spans they have, most first. */
  readonly services: readonly { readonly name: string; readonly spans: number; readonly errors: number }[];
  /** As many as were asked for. */
  readonly matches: readonly SpanResult[];
}

/** What is asked. Times are in milliseconds. */
export interface SearchRequest {
  readonly q: string;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly order: "start" | "duration";
  /** Where the answer before ended. */
  readonly after?: string | undefined;
  /** Spans of each trace; one by default. */
  readonly spansPerTrace?: number;
}

/** Some results, and where the next ones begin; `null` after the last. */
export interface SearchPage {
  readonly traces: readonly TraceResult[];
  readonly next: string | null;
}

const seconds = (millis: number, round: (value: number) => number) => String(round(millis / 1e3));

export async function searchPage(request: SearchRequest, signal: AbortSignal): Promise<SearchPage> {
  const { q, from, to, limit, order, after, spansPerTrace = 1 } = request;
  const response = await get(
    "/tempo/api/search",
    {
      q,
      start: seconds(from, Math.floor),
      end: seconds(to, Math.ceil),
      limit: String(limit),
      order,
      after,
      spss: String(spansPerTrace),
    },
    signal,
  );
  const traces = tracesOf((await response.json()) as SearchAnswer);
  const next = traces.length < limit ? null : response.headers.get("x-spandrel-next-cursor");
  return { traces, next };
}

export async function search(request: SearchRequest, signal: AbortSignal): Promise<readonly TraceResult[]> {
  return (await searchPage(request, signal)).traces;
}

function tracesOf(answer: SearchAnswer): TraceResult[] {
  return (answer.traces ?? []).map((trace) => {
    const stats = Object.entries(trace.serviceStats ?? {});
    const services = stats.map(([name, { spanCount = 0, errorCount = 0 }]) => ({
      name,
      spans: spanCount,
      errors: errorCount,
    }));
    services.sort((a, b) => b.spans - a.spans || a.name.localeCompare(b.name));
    const total = (of: "spans" | "errors") => services.reduce((sum, service) => sum + service[of], 0);
    const traceId = trace.traceID.padStart(32, "0");
    return {
      traceId,
      service: trace.rootServiceName || "<root span not yet received>",
      name: trace.rootTraceName ?? "",
      startMillis: millisOf(trace.startTimeUnixNano),
      durationMillis: trace.durationMs ?? 0,
      matched: (trace.spanSets ?? []).reduce((sum, set) => sum + (set.matched ?? 0), 0),
      spans: total("spans"),
      errors: total("errors"),
      services,
      matches: (trace.spanSets ?? []).flatMap(({ spans = [] }) => spans.map((span) => spanOf(traceId, span))),
    };
  });
}

const millisOf = (unixNanos: string) => Number(BigInt(unixNanos) / 1_000_000n);

function spanOf(traceId: string, span: SearchSpan): SpanResult {
  return {
    traceId,
    spanId: span.spanID.padStart(16, "0"),
    name: span.name ?? "",
    startMillis: millisOf(span.startTimeUnixNano),
    durationNanos: Number(span.durationNanos ?? 0),
    values: Object.fromEntries(
      (span.attributes ?? []).map(({ key, value }: { key: string; value?: AnyValue }) => [
        key,
        valueText(value),
      ]),
    ),
  };
}
