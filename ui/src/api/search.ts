/** Searching: Tempo's endpoint, with the order and the cursors that this server adds. */
import { getJson } from "./http.ts";

/** A trace among results. */
export interface TraceResult {
  readonly traceId: string;
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
}

interface Answer {
  traces?: {
    traceID: string;
    rootServiceName?: string;
    rootTraceName?: string;
    startTimeUnixNano: string;
    durationMs?: number;
    spanSets?: { matched?: number; spans?: { durationNanos?: string }[] }[];
    serviceStats?: Record<string, { spanCount?: number; errorCount?: number }>;
  }[];
}

/** What is asked. Times are in milliseconds. */
export interface SearchRequest {
  readonly q: string;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly order: "start" | "duration";
}

const seconds = (millis: number, round: (value: number) => number) => String(round(millis / 1e3));

export async function search(request: SearchRequest, signal: AbortSignal): Promise<TraceResult[]> {
  const { q, from, to, limit, order } = request;
  const answer = await getJson<Answer>(
    "/tempo/api/search",
    {
      q,
      start: seconds(from, Math.floor),
      end: seconds(to, Math.ceil),
      limit: String(limit),
      order,
      spss: "1",
    },
    signal,
  );
  return (answer.traces ?? []).map((trace) => {
    const stats = Object.entries(trace.serviceStats ?? {});
    const services = stats.map(([name, { spanCount = 0, errorCount = 0 }]) => ({
      name,
      spans: spanCount,
      errors: errorCount,
    }));
    services.sort((a, b) => b.spans - a.spans || a.name.localeCompare(b.name));
    const total = (of: "spans" | "errors") => services.reduce((sum, service) => sum + service[of], 0);
    return {
      traceId: trace.traceID.padStart(32, "0"),
      service: trace.rootServiceName ?? "",
      name: trace.rootTraceName ?? "",
      startMillis: Number(BigInt(trace.startTimeUnixNano) / 1_000_000n),
      durationMillis: trace.durationMs ?? 0,
      matched: (trace.spanSets ?? []).reduce((sum, set) => sum + (set.matched ?? 0), 0),
      spans: total("spans"),
      errors: total("errors"),
      services,
    };
  });
}
