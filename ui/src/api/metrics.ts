/** TraceQL metrics: series over time, or one value each. */
import { getJson } from "./http.ts";
import type { Label, MetricsAnswer } from "./schema.ts";
import { valueText } from "./trace.ts";

/** A series, or the value that it has as a whole. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** One per interval, `null` where there is none. */
  readonly values: readonly (number | null)[];
  /** Ends of the intervals, milliseconds. */
  readonly times: readonly number[];
  /** Spans that are part of its values, when they were asked for. */
  readonly exemplars: readonly Exemplar[];
}

export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds. */
  readonly time: number;
}

const named = (labels: readonly Label[]) =>
  Object.fromEntries(labels.map(({ key, value }) => [key, valueText(value)]));

function read(answer: MetricsAnswer): Series[] {
  return (answer.series ?? []).map(({ labels = [], samples, exemplars = [], value }) => ({
    labels: named(labels),
    values: samples ? samples.map(({ value }) => value ?? null) : [value ?? null],
    times: samples ? samples.map(({ timestampMs }) => Number(timestampMs)) : [],
    exemplars: exemplars.map(({ labels = [], value, timestampMs }) => {
      const { "trace:id": traceId = "", "span:id": spanId = "" } = named(labels);
      return { traceId, spanId, value: value ?? 0, time: Number(timestampMs) };
    }),
  }));
}

/** From and to in milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

const bounds = ({ from, to }: Range) => ({
  start: String(Math.floor(from / 1e3)),
  end: String(Math.ceil(to / 1e3)),
});

/** Series with a value per `stepSeconds`, and at most `exemplars` spans that are part of them. */
export async function rangeQuery(
  q: string,
  range: Range,
  stepSeconds: number,
  signal: AbortSignal,
  exemplars = 0,
): Promise<Series[]> {
  const params = { q, ...bounds(range), step: `${stepSeconds}s`, exemplars: String(exemplars) };
  return read(await getJson<MetricsAnswer>("/tempo/api/metrics/query_range", params, signal));
}

/** One value per series for the whole range. */
export async function instantQuery(q: string, range: Range, signal: AbortSignal): Promise<Series[]> {
  return read(await getJson<MetricsAnswer>("/tempo/api/metrics/query", { q, ...bounds(range) }, signal));
}

const STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];

/** A round step that gives about `wanted` values. */
export function stepFor({ from, to }: Range, wanted: number): number {
  const exact = (to - from) / 1e3 / wanted;
  return STEPS.find((step) => step >= exact) ?? 86_400;
}
