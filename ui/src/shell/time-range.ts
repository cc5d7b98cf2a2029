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

const fromText = computed(() => place.value.query.get("from") ?? FROM);
const toText = computed(() => place.value.query.get("to") ?? "now");

export const rangeText = computed(() => ({ from: fromText.value, to: toText.value }));

/** What a page is about: "now" is taken again with it, and stays where only how it is shown changes. */
const subject = computed(() => `${place.value.path} ${place.value.query.getAll("q").join(" ")}`);

export const timeRange = computed<TimeRange>(() => {
  void asked.value;
  void subject.value;
  const now = Date.now();
  const { from, to } = rangeText.value;
  const end = parseTime(to, now) ?? now;
  const start = parseTime(from, now) ?? end - 3_600_000;
  return start < end ? { from: start, to: end } : { from: end - 3_600_000, to: end };
});
