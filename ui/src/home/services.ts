/** Rate, errors and durations of every service, from the spans themselves. */
import { instantQuery, type Range, rangeQuery, stepFor } from "../api/metrics.ts";

/** Which spans count as work of a service. */
export const SPANS = {
  entry: { label: "Requests served", filter: "kind = server || kind = consumer" },
  root: { label: "Roots", filter: "nestedSetParent = -1" },
  database: { label: "Database calls", filter: "span.db.system != nil || span.db.system.name != nil" },
  all: { label: "All spans", filter: "true" },
} as const;

export type SpanChoice = keyof typeof SPANS;

export interface ServiceFigures {
  readonly service: string;
  /** Spans per second. */
  readonly rate: number;
  /** Share of them that failed, of one. */
  readonly errors: number;
  /** Nanoseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Spans per second over time. */
  readonly trend: readonly number[];
  readonly errorTrend: readonly number[];
}

const BY = "by (resource.service.name)";
const LABEL = "resource.service.name";
const TREND_VALUES = 48;

export async function serviceFigures(
  choice: SpanChoice,
  range: Range,
  signal: AbortSignal,
): Promise<ServiceFigures[]> {
  const { filter } = SPANS[choice];
  const step = stepFor(range, TREND_VALUES);
  const [rates, errors, quantiles] = await Promise.all([
    rangeQuery(`{ ${filter} } | rate() ${BY}`, range, step, signal),
    rangeQuery(`{ (${filter}) && status = error } | rate() ${BY}`, range, step, signal),
    instantQuery(`{ ${filter} } | quantile_over_time(duration, .5, .95, .99) ${BY}`, range, signal),
  ]);
  const failed = new Map(
    errors.map(({ labels, values }) => [labels[LABEL], values.map((value) => value ?? 0)]),
  );
  const seconds = (service: string | undefined, p: string) => {
    const found = quantiles.find(({ labels }) => labels[LABEL] === service && labels.p === p);
    return (found?.values[0] ?? Number.NaN) * 1e9;
  };
  const whole = (range.to - range.from) / 1e3;
  return rates.map(({ labels, values }) => {
    const service = labels[LABEL] ?? "";
    const trend = values.map((value) => value ?? 0);
    const errorTrend = failed.get(labels[LABEL]) ?? [];
    const count = sum(trend) * step;
    return {
      service,
      rate: count / whole,
      errors: count > 0 ? (sum(errorTrend) * step) / count : 0,
      p50: seconds(labels[LABEL], "0.5"),
      p95: seconds(labels[LABEL], "0.95"),
      p99: seconds(labels[LABEL], "0.99"),
      trend,
      errorTrend,
    };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
