/** Rate, errors and durations over time: the series of the three charts. */
import { type Range, rangeQuery, type Series, stepFor } from "../api/metrics.ts";
import { fetchDeploys, type Mark } from "../charts/deploys.ts";
import { QUANTILES, valuesAt, whole } from "./figures.ts";

export interface Red {
  /** Ends of the intervals, milliseconds. */
  readonly times: readonly number[];
  readonly stepMillis: number;
  /** Spans per second. */
  readonly rate: readonly (number | null)[];
  readonly failed: readonly (number | null)[];
  /** Shares of one. */
  readonly errors: readonly (number | null)[];
  /** Nanoseconds. */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly deploys: readonly Mark[];
}

const VALUES = 60;

export function redOf(
  answers: { rate: Series[]; failed: Series[]; quantiles: Series[]; deploys: Mark[] },
  stepMillis: number,
  range: Range,
): Red {
  const times = whole(answers.rate[0]?.times ?? [], range);
  const rate = valuesAt(answers.rate[0], times).map((value) => value ?? 0);
  const failed = valuesAt(answers.failed[0], times).map((value) => value ?? 0);
  const nanos = (p: string) =>
    valuesAt(
      answers.quantiles.find(({ labels }) => labels.p === p),
      times,
    ).map((seconds, i) => (seconds === null || rate[i] === 0 ? null : seconds * 1e9));
  return {
    times,
    stepMillis,
    rate,
    failed,
    errors: rate.map((value, i) => (value > 0 ? (failed[i] ?? 0) / value : null)),
    p50: nanos("0.5"),
    p95: nanos("0.95"),
    p99: nanos("0.99"),
    deploys: answers.deploys,
  };
}

export async function fetchRed(filter: string, range: Range, signal: AbortSignal): Promise<Red> {
  const step = stepFor(range, VALUES);
  const query = (q: string) => rangeQuery(q, range, step, signal);
  const [rate, failed, quantiles, deploys] = await Promise.all([
    query(`{ ${filter} } | rate()`),
    query(`{ (${filter}) && status = error } | rate()`),
    query(`{ ${filter} } | ${QUANTILES}`),
    fetchDeploys(filter, range, step, signal),
  ]);
  return redOf({ rate, failed, quantiles, deploys }, step * 1e3, range);
}
