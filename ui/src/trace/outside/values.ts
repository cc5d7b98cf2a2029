/** What templates of links can name: values of a span, of its resource, of the spans above it, and of the trace. */
import type { KeyValue } from "../../api/schema.ts";
import { type SpanDetail, valueText } from "../../api/trace.ts";
import type { TraceState } from "../state.ts";
import type { Lookup } from "./fill.ts";

/** Spans above one whose values are looked at. */
export const ABOVE_MAX = 64;

function valueIn(attributes: readonly KeyValue[], key: string): string | undefined {
  const found = attributes.find((attribute) => attribute.key === key);
  return found && valueText(found.value);
}

/** The first of the lists that has a value. */
export function inLists(lists: readonly (readonly KeyValue[])[]): Lookup {
  return (name) => {
    for (const list of lists) {
      const value = valueIn(list, name);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** Attributes of a span and of its resource, and then of those above it. */
export function listsOf(detail: SpanDetail, above: readonly SpanDetail[]): (readonly KeyValue[])[] {
  return [detail, ...above].flatMap(({ span, resource }) => [span.attributes ?? [], resource]);
}

/** What is true of the trace as a whole, in Jaeger's words and units. */
export function traceValues(state: TraceState): Lookup {
  const { skeleton, model } = state;
  const startMicros = skeleton.startUnixNanos / 1000n;
  const micros = Math.round(model.duration / 1e3);
  const values: Record<string, string> = {
    traceID: skeleton.traceId,
    traceName: `${state.service(0)}: ${state.operation(0)}`,
    startTime: String(startMicros),
    endTime: String(startMicros + BigInt(micros)),
    duration: String(micros),
  };
  return (name) => (Object.hasOwn(values, name) ? values[name] : undefined);
}

/** Positions of the spans above one, the nearest first. */
export function above({ skeleton }: TraceState, position: number): number[] {
  const all: number[] = [];
  for (let at = skeleton.parents[position] ?? -1; at >= 0 && all.length < ABOVE_MAX; )
    if (all.includes(at)) break;
    else {
      all.push(at);
      at = skeleton.parents[at] ?? -1;
    }
  return all;
}
