/** When a new version of a service began to answer, from how many spans each version sent over time. */
import { type Range, rangeQuery, type Series } from "../api/metrics.ts";

/** A point in time with a few words about it. */
export interface Mark {
  /** Milliseconds. */
  readonly time: number;
  readonly label: string;
}

const VERSION = "resource.service.version";
/** Of more versions than this the marks would hide the chart. */
const MARKS_MAX = 12;

/** A mark where a version begins that was not there when the first one was. */
export function deploysOf(series: readonly Series[], stepMillis: number): Mark[] {
  const begins = series.flatMap(({ labels, values, times }) => {
    const first = values.findIndex((value) => value !== null && value > 0);
    const time = times[first];
    const version = labels[VERSION];
    return version && version !== "nil" && time !== undefined ? [{ version, first, time }] : [];
  });
  const earliest = Math.min(...begins.map(({ first }) => first));
  return begins
    .filter(({ first }) => first > earliest)
    .sort((a, b) => a.time - b.time)
    .slice(0, MARKS_MAX)
    .map(({ version, time }) => ({ time: time - stepMillis, label: version }));
}

export async function fetchDeploys(
  filter: string,
  range: Range,
  stepSeconds: number,
  signal: AbortSignal,
): Promise<Mark[]> {
  const series = await rangeQuery(
    `{ ${filter} } | count_over_time() by (${VERSION})`,
    range,
    stepSeconds,
    signal,
  );
  return deploysOf(series, stepSeconds * 1e3);
}
