/** The events of a trace. */
import type { KeyValue } from "../api/schema.ts";
import type { SpanDetail, TraceSource } from "../api/trace.ts";
import { SPANS_MAX, valueText } from "../api/trace.ts";
import type { TraceState } from "./state.ts";

export interface TraceEvent {
  /** The span that it happened in. */
  readonly position: number;
  readonly name: string;
  /** Nanoseconds after the start of the trace. */
  readonly at: number;
  readonly attributes: readonly KeyValue[];
}

/** Spans whose events are asked for at a time. */
export const EVENT_SPANS_STEP = 4 * SPANS_MAX;

/** Positions of spans with events. */
export function spansWithEvents({ skeleton }: TraceState): number[] {
  const positions: number[] = [];
  skeleton.events.forEach((count, i) => {
    if (count > 0) positions.push(i);
  });
  return positions;
}

/** Everything about some spans, in as many requests as that takes. */
export async function detailsOf(
  source: TraceSource,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<SpanDetail[]> {
  const details: SpanDetail[] = [];
  for (let first = 0; first < ids.length; first += SPANS_MAX) {
    details.push(...(await source.spans(ids.slice(first, first + SPANS_MAX), signal)));
  }
  return details;
}

/** The events of the spans at some positions, in the order of time. */
export async function eventsOf(
  state: TraceState,
  positions: readonly number[],
  signal: AbortSignal,
): Promise<TraceEvent[]> {
  const byId = new Map(positions.map((position) => [state.spanId(position), position]));
  const { startUnixNanos, skew } = state.skeleton;
  const moved = new Map(skew);
  const { origin } = state.model;
  const events: TraceEvent[] = [];
  for (const { span } of await detailsOf(state.source, [...byId.keys()], signal)) {
    const position = byId.get(span.spanId) ?? 0;
    const offset = state.adjusted.peek() ? (moved.get(position) ?? 0) : 0;
    for (const { timeUnixNano, name = "", attributes = [] } of span.events ?? []) {
      const at = Number(BigInt(timeUnixNano) - startUnixNanos) + offset - origin;
      events.push({ position, name, at, attributes });
    }
  }
  return events.sort((a, b) => a.at - b.at);
}

/** What an exception says. */
export function exceptionOf({ name, attributes }: Pick<TraceEvent, "name" | "attributes">) {
  if (name !== "exception") return null;
  const of = (key: string) => valueText(attributes.find((attribute) => attribute.key === key)?.value);
  return {
    type: of("exception.type"),
    message: of("exception.message"),
    stack: of("exception.stacktrace"),
  };
}
