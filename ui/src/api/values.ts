/** Which values an attribute has. */
import { attribute } from "../traceql.ts";
import { getJson } from "./http.ts";
import type { Range } from "./metrics.ts";
import type { AnyValue, MetricsAnswer, TagNames } from "./schema.ts";
import { type Skeleton, valueLiteral, valueText } from "./trace.ts";

/** Their values are words of the language. */
const WORDS = ["status", "kind"];

/** A value of an attribute, and how many spans have it. */
export interface Counted {
  readonly text: string;
  /** As TraceQL has it. */
  readonly literal: string;
  readonly count: number;
}

/** A value of an answer as TraceQL has it: numbers and truth values are told from text by how they came. */
export function literalOf(attribute: string, value: AnyValue): string {
  const isWord = WORDS.includes(attribute) || value.stringValue === "nil";
  return isWord ? valueText(value) : valueLiteral(value);
}

/** The values that spans have, the most frequent first; `nil` is none. */
export async function fetchValues(
  q: string,
  attribute: string,
  range: Range,
  signal: AbortSignal,
): Promise<Counted[]> {
  const params = { q: `${q} | count_over_time() by (${attribute})`, ...secondsOf(range) };
  const { series = [] } = await getJson<MetricsAnswer>("/tempo/api/metrics/query", params, signal);
  const counted = series.map(({ labels = [], value = 0 }) => {
    const of = labels[0]?.value ?? { stringValue: "nil" };
    return { text: valueText(of), literal: literalOf(attribute, of), count: value };
  });
  return counted.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
}

/** The attributes that spans of a time have; with a filter, those of spans that match. */
export async function fetchAttributes(range: Range, signal: AbortSignal, q?: string): Promise<string[]> {
  const params = { ...secondsOf(range), q };
  const { scopes = [] } = await getJson<TagNames>("/tempo/api/v2/search/tags", params, signal);
  return (["span", "resource"] as const).flatMap((scope) =>
    (scopes.find(({ name }) => name === scope)?.tags ?? []).map((tag) => attribute(scope, tag)),
  );
}

const secondsOf = ({ from, to }: Range) => ({
  start: String(Math.floor(from / 1e3)),
  end: String(Math.ceil(to / 1e3)),
});

/** What a stored trace can be asked for. */
export interface TraceAttributes {
  names(signal: AbortSignal): Promise<readonly string[]>;
  /** The values that an attribute has, the most frequent first; that it is absent is not one. */
  values(attribute: string, signal: AbortSignal): Promise<readonly Counted[]>;
}

/** Wrong clocks are wrong by less. */
const AROUND_MILLIS = 3_600_000;

export function attributesOf({ traceId, startUnixNanos, starts, durations }: Skeleton): TraceAttributes {
  const q = `{ trace:id = "${traceId}" }`;
  const from = Number(startUnixNanos / 1_000_000n);
  const took = starts.reduce((last, start, i) => Math.max(last, start + (durations[i] ?? 0)), 0) / 1e6;
  const range = { from: from - AROUND_MILLIS, to: from + took + AROUND_MILLIS };
  return {
    names: (signal) => fetchAttributes(range, signal, q),
    async values(attribute, signal) {
      const values = await fetchValues(q, attribute, range, signal);
      return values.filter(({ literal }) => literal !== "nil");
    },
  };
}
