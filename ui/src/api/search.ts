/** Searching: all at once by Tempo's endpoint, or in pieces as they are found. */
import { eventsOf } from "./events.ts";
import { ApiError, get, getJson } from "./http.ts";
import type {
  AnyValue,
  SearchAnswer,
  SearchFailure,
  SearchMetrics,
  SearchPiece,
  SearchSpan,
} from "./schema.ts";
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

/** How far a search is, and what it took until now. */
export interface SearchProgress {
  /** Blocks in the range, and one for what is in none yet. */
  readonly jobs: number;
  readonly jobsDone: number;
  readonly bytesRead: number;
  readonly spansRead: number;
}

/** Traces that no piece before had. */
export interface Piece {
  readonly traces: readonly TraceResult[];
  /** Where those behind them begin; `null` when that is where the piece before said, or in the last piece nowhere. */
  readonly next: string | null;
  readonly done: boolean;
  readonly progress: SearchProgress;
}

const seconds = (millis: number, round: (value: number) => number) => String(round(millis / 1e3));

function paramsOf({ q, from, to, limit, order, after, spansPerTrace = 1 }: SearchRequest) {
  return {
    q,
    start: seconds(from, Math.floor),
    end: seconds(to, Math.ceil),
    limit: String(limit),
    order,
    after,
    spss: String(spansPerTrace),
  };
}

export async function search(request: SearchRequest, signal: AbortSignal): Promise<readonly TraceResult[]> {
  return tracesOf(await getJson<SearchAnswer>("/tempo/api/search", paramsOf(request), signal));
}

/** The same in pieces, each as soon as it is certain. */
export async function* searchPieces(request: SearchRequest, signal: AbortSignal): AsyncGenerator<Piece> {
  const response = await get("/api/ui/search", paramsOf(request), signal);
  if (!response.body) return;
  try {
    for await (const { name, data } of eventsOf(response.body)) {
      if (name === "failed") {
        const { status, message } = JSON.parse(data) as SearchFailure;
        throw new ApiError(status, message);
      }
      const piece = pieceOf(JSON.parse(data) as SearchPiece);
      yield piece;
      if (piece.done) return;
    }
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) throw error;
  }
  throw new ApiError(0, "The connection to the server broke before the search was done.");
}

function pieceOf(piece: SearchPiece): Piece {
  return {
    traces: tracesOf(piece),
    next: piece.next ?? null,
    done: piece.done,
    progress: progressOf(piece.metrics),
  };
}

function progressOf(metrics: SearchMetrics): SearchProgress {
  return {
    jobs: metrics.totalJobs ?? 0,
    jobsDone: metrics.completedJobs ?? 0,
    bytesRead: Number(metrics.inspectedBytes ?? 0),
    spansRead: Number(metrics.inspectedSpans ?? 0),
  };
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
