/** The queries of the explorer: in the address, and what their answers mean. */
import type { Series } from "../api/metrics.ts";
import { distinctSlots } from "../text/colors.ts";

export const QUERIES_MAX = 5;

/** Letters by which queries are called. */
export const letter = (i: number) => String.fromCharCode(65 + i);

/** What the values of a query are. */
export type Unit = "per second" | "duration" | "count" | "number";

/** Functions over these give durations, in seconds. */
const DURATIONS = /_over_time\(\s*(span:|trace:)?(duration|traceDuration|event:timeSinceStart)\b/;

export function unitOf(q: string): Unit {
  if (/\|\s*rate\(/.test(q)) return "per second";
  if (/\|\s*(count|histogram)_over_time\(/.test(q)) return "count";
  return DURATIONS.test(q) ? "duration" : "number";
}

/** Queries to start with. */
export const PRESETS: readonly (readonly [string, string])[] = [
  ["Rate by service", "{ kind = server || kind = consumer } | rate() by (resource.service.name)"],
  ["Errors by service", "{ status = error } | rate() by (resource.service.name)"],
  ["p50, p95, p99 of requests", "{ kind = server } | quantile_over_time(duration, .5, .95, .99)"],
  ["p95 by service", "{ kind = server } | quantile_over_time(duration, .95) by (resource.service.name)"],
  ["Slowest operations", "{ kind = server } | max_over_time(duration) by (name) | topk(5)"],
  ["Database calls by system", "{ kind = client } | rate() by (span.db.system.name)"],
  ["Responses by status code", "{ kind = server } | rate() by (span.http.response.status_code)"],
  ["Exceptions by type", '{ event:name = "exception" } | count_over_time() by (event.exception.type)'],
];

/** A line of the chart. */
export interface Named {
  /** Which query it belongs to, from 0. */
  readonly query: number;
  readonly name: string;
  /** The name of a token. */
  readonly color: string;
  readonly unit: Unit;
  readonly series: Series;
}

/** Lines that a chart can tell apart. */
export const LINES_MAX = 40;
const COLORS = 12;

/** What a series is called: the values of its labels, with names where there are several. */
export function nameOf(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).filter(([name]) => name !== "__name__");
  if (entries.length === 0) return "all";
  if (entries.length === 1) {
    const [[name, value] = ["", ""]] = entries;
    return name === "p" ? quantileName(value) : value || "nil";
  }
  return entries.map(([name, value]) => (name === "p" ? quantileName(value) : value || "nil")).join(" · ");
}

const quantileName = (p: string) => `p${Number((Number(p) * 100).toPrecision(6))}`;

const sum = ({ values }: Series) => values.reduce((total: number, value) => total + (value ?? 0), 0);

/** A series by service has the service's color; others take the next one. */
function slots(chosen: readonly Series[], taken: number): number[] {
  const services = chosen.map(({ labels }) => {
    const names = Object.keys(labels);
    return names.length === 1 && names[0] === "resource.service.name" ? (labels[names[0]] ?? "") : null;
  });
  if (services.every((service) => service !== null)) return distinctSlots(services);
  return chosen.map((_, i) => (taken + i) % COLORS);
}

/** The highest series of all queries, at most so many as can be told apart, each with a color. */
export function named(queries: readonly string[], answers: readonly (readonly Series[])[]): Named[] {
  const share = Math.max(1, Math.floor(LINES_MAX / Math.max(1, answers.length)));
  let taken = 0;
  return answers.flatMap((all, query) => {
    const unit = unitOf(queries[query] ?? "");
    const chosen = [...all].sort((a, b) => sum(b) - sum(a)).slice(0, share);
    const colors = slots(chosen, taken);
    taken += chosen.length;
    return chosen.map((series, i) => ({
      query,
      name: nameOf(series.labels),
      color: `service-${colors[i] ?? 0}`,
      unit,
      series,
    }));
  });
}

/** What a line comes to, over the intervals that have a value. */
export interface Summary {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly last: number;
}

export function summaryOf(values: readonly (number | null)[]): Summary {
  const present = values.filter((value): value is number => value !== null);
  const total = present.reduce((sum, value) => sum + value, 0);
  return {
    min: present.length > 0 ? Math.min(...present) : Number.NaN,
    max: present.length > 0 ? Math.max(...present) : Number.NaN,
    mean: present.length > 0 ? total / present.length : Number.NaN,
    last: present.at(-1) ?? Number.NaN,
  };
}

/** The filter of a metrics query: what is before its first function. */
export function filterPart(q: string): string {
  let quote = "";
  for (let i = 0; i < q.length; i++) {
    const char = q[i] ?? "";
    if (quote) {
      if (char === "\\" && quote === '"') i++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "`") quote = char;
    else if (char === "|" && q[i + 1] === "|") i++;
    else if (char === "|") return q.slice(0, i).trim();
  }
  return q.trim();
}
