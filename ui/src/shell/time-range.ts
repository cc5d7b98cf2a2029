/** The time range of the address: `from` and `to`, an hour back from now when they are not there. */
import { computed, signal } from "@preact/signals";
import { place } from "../router.ts";
import { parseTime } from "../text/times.ts";

/** Milliseconds since 1970. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Ranges to choose from, as the address has them. */
export const PRESETS: readonly (readonly [string, string])[] = [
  ["now-5m", "Last 5 minutes"],
  ["now-15m", "Last 15 minutes"],
  ["now-1h", "Last hour"],
  ["now-6h", "Last 6 hours"],
  ["now-1d", "Last day"],
  ["now-7d", "Last 7 days"],
];

const FROM = "now-1h";

/** Changes when "now" is to be taken again. */
const asked = signal(0);

/** Asks everything again. */
export function refresh(): void {
  asked.value++;
}

export const rangeText = computed(() => {
  const { query } = place.value;
  return { from: query.get("from") ?? FROM, to: query.get("to") ?? "now" };
});

export const timeRange = computed<TimeRange>(() => {
  void asked.value;
  const now = Date.now();
  const { from, to } = rangeText.value;
  const end = parseTime(to, now) ?? now;
  const start = parseTime(from, now) ?? end - 3_600_000;
  return start < end ? { from: start, to: end } : { from: end - 3_600_000, to: end };
});
