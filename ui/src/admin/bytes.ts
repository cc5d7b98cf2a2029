/** Sizes as operators read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Three significant digits: `512 B`, `17.4 MiB`. */
export function bytes(count: number): string {
  if (!Number.isFinite(count)) return "–";
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** The value of a limit, whose name has its unit. */
export function limitText(name: string, value: number | null): string {
  if (value === null) return "no limit";
  if (/bytes/.test(name)) return `${bytes(value)}${/^rate_/.test(name) ? "/s" : ""}`;
  if (/seconds/.test(name)) return age(value);
  return `${value.toLocaleString("en")}${/^rate_/.test(name) ? "/s" : ""}`;
}

/** So many seconds in the two largest units: `14 d`, `1 d 3 h`, `5 min`. */
export function age(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const at = units.findIndex(([size]) => seconds >= size);
  const [first, second] = at < 0 ? [units[3], undefined] : [units[at], units[at + 1]];
  if (!first) return "–";
  const whole = Math.floor(seconds / first[0]);
  const rest = second ? Math.floor((seconds % first[0]) / second[0]) : 0;
  return `${whole} ${first[1]}${second && rest > 0 && whole < 10 ? ` ${rest} ${second[1]}` : ""}`;
}
