/** TraceQL metrics: series over time, or one value each. */
import { getJson } from "./http.ts";

type Value = { stringValue?: string; doubleValue?: number; intValue?: string };

/** A series, or the value that it has as a whole. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** One per interval, `null` where there is none. */
  readonly values: readonly (number | null)[];
  /** Ends of the intervals, milliseconds. */
  readonly times: readonly number[];
}

interface Answer {
  series?: {
    labels?: { key: string; value: Value }[];
    samples?: { timestampMs: string; value?: number }[];
    value?: number;
  }[];
}

const text = ({ stringValue, doubleValue, intValue }: Value) =>
  stringValue ?? (doubleValue !== undefined ? String(doubleValue) : (intValue ?? ""));

function read(answer: Answer): Series[] {
  return (answer.series ?? []).map(({ labels = [], samples, value }) => ({
    labels: Object.fromEntries(labels.map(({ key, value }) => [key, text(value)])),
    values: samples ? samples.map(({ value }) => value ?? null) : [value ?? null],
    times: samples ? samples.map(({ timestampMs }) => Number(timestampMs)) : [],
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

/** Series with a value per `stepSeconds`. */
export async function rangeQuery(
  q: string,
  range: Range,
  stepSeconds: number,
  signal: AbortSignal,
): Promise<Series[]> {
  const params = { q, ...bounds(range), step: `${stepSeconds}s`, exemplars: "0" };
  return read(await getJson<Answer>("/tempo/api/metrics/query_range", params, signal));
}

/** One value per series for the whole range. */
export async function instantQuery(q: string, range: Range, signal: AbortSignal): Promise<Series[]> {
  return read(await getJson<Answer>("/tempo/api/metrics/query", { q, ...bounds(range) }, signal));
}

const STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];

/** A round step that gives about `wanted` values. */
export function stepFor({ from, to }: Range, wanted: number): number {
  const exact = (to - from) / 1e3 / wanted;
  return STEPS.find((step) => step >= exact) ?? 86_400;
}
