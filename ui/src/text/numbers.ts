/** Numbers as people read them: three significant digits, one unit. */

const NANOS: readonly (readonly [number, string])[] = [
  [1, "ns"],
  [1e3, "µs"],
  [1e6, "ms"],
  [1e9, "s"],
];

/** Three significant digits; what is 100 or more has no fraction. */
const significant = (value: number): string => {
  // Rounded first: 0.9996 is 1.00, not 1.000.
  const rounded = Number(value.toPrecision(3));
  return rounded.toFixed(fractionOf(rounded));
};

/** How many digits after the point make three in all. */
const fractionOf = (value: number): number =>
  value === 0 ? 0 : Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));

/** A duration of so many nanoseconds: `832 ns`, `12.4 µs`, `1.08 s`, `2 m 14 s`, `3 h 12 m`. */
export function duration(nanos: number): string {
  if (!Number.isFinite(nanos)) return "–";
  const sign = nanos < 0 ? "−" : "";
  const size = Math.abs(nanos);
  const seconds = Math.round(size / 1e9);
  if (seconds >= 86_400)
    return `${sign}${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
  if (seconds >= 3600) return `${sign}${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
  if (seconds >= 60) return `${sign}${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  // The unit in which what is shown stays below a thousand after rounding.
  const [unit, name] = NANOS.find(([unit]) => size / unit < 999.5) ?? ([1e9, "s"] as const);
  return `${sign}${unit === 1 ? Math.round(size) : significant(size / unit)} ${name}`;
}

/** A duration of so many nanoseconds, with as many digits as tell it from one that is longer by `step`. */
export function durationTo(nanos: number, step: number): string {
  const size = Math.abs(nanos);
  const isCoarse = step >= (size < 3600e9 ? 1e9 : 60e9);
  if (size === 0 || !(step > 0) || (size >= 59.5e9 && isCoarse)) return duration(nanos);
  const sign = nanos < 0 ? "−" : "";
  const minutes = size >= 59.5e9 ? Math.floor(size / 60e9) : 0;
  const [unit, name] = minutes > 0 ? [1e9, "s"] : (NANOS.find(([unit]) => size / unit < 999.5) ?? [1e9, "s"]);
  const value = (size - minutes * 60e9) / unit;
  const needed = Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));
  const digits = Math.min(9, Math.max(needed, unit === 1 || minutes > 0 ? 0 : fractionOf(value)));
  return `${sign}${minutes > 0 ? `${minutes} m ` : ""}${value.toFixed(digits)} ${name}`;
}

/** A duration of which only whole milliseconds are known: `<1 ms`, `57 ms`, `2.04 s`. */
export function millis(count: number): string {
  if (count < 1) return "<1 ms";
  return count < 1000 ? `${count} ms` : duration(count * 1e6);
}

/** Made once: making one takes longer than using it a thousand times. */
const GROUPED = new Intl.NumberFormat("en");

/** A duration exact to the nanosecond, for tooltips. */
export function exactDuration(nanos: number): string {
  return `${GROUPED.format(Math.round(nanos))} ns`;
}

/** How often per second: `124/s`, `1.2k/s`; what happens at all never reads as nothing. */
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.0005) return "<0.001/s";
  return `${compact(perSecond)}/s`;
}

/** A count in few characters: `83`, `9.8k`, `2.1M`. */
export function compact(count: number): string {
  if (!Number.isFinite(count)) return "–";
  const size = Math.abs(count);
  if (size >= 999.5e6) return `${significant(count / 1e9)}G`;
  if (size >= 999.5e3) return `${significant(count / 1e6)}M`;
  if (size >= 999.5) return `${significant(count / 1e3)}k`;
  return Number.isInteger(count) ? String(count) : significant(count);
}

/** A share of one: `0.1 %`, `3.1 %`; what is above nothing never reads as nothing. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.0005) return "<0.1 %";
  const value = share * 100;
  return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)} %`;
}

/** A count with its digits grouped: `12,345`. */
export function grouped(count: number): string {
  return GROUPED.format(count);
}

/** `1 span`, `2 spans`, with the digits grouped. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${GROUPED.format(count)} ${count === 1 ? one : many}`;
}
