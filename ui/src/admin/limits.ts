/** Sizes and limits as operators read them. */
import { bytes } from "../text/bytes.ts";

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
