/** The roll-up of all matching traces: what the server answers. */
import { getJson } from "../api/http.ts";
import type { Range } from "../api/metrics.ts";
import { seconds } from "../compare/answers.ts";

/** A place that spans of many traces share: the same names from the root down. Durations in nanoseconds. */
export interface StructureNode {
  /** Position of the parent, which is before; -1 for none. */
  readonly parent: number;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly spans: number;
  readonly traces: number;
  readonly errors: number;
  /** Errors that no error below them explains. */
  readonly errorOrigins: number;
  readonly totalNanos: number;
  readonly selfNanos: number;
  readonly p50: number;
  readonly p95: number;
  readonly examples: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface Structure {
  readonly traces: number;
  readonly spans: number;
  /** Traces that match and are not part of it. */
  readonly leftOut: number;
  /** Whether there may be more of them than were counted. */
  readonly leftOutMore: boolean;
  /** Spans that have no place, because there are too many places. */
  readonly spansLeftOut: number;
  readonly complete: boolean;
  readonly nodes: readonly StructureNode[];
}

export function fetchStructure(
  q: string,
  range: Range,
  limit: number,
  signal: AbortSignal,
): Promise<Structure> {
  const params = { q, limit: String(limit), ...seconds(range) };
  return getJson<Structure>("/api/ui/structure", params, signal);
}
