/** Points in time: reading what a URL or a person wrote, and writing them. */

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

/**
 * Milliseconds since 1970 of `now`, `now-1h`, RFC 3339, or seconds, milliseconds, microseconds or nanoseconds
 * since 1970, told apart by their size; `null` for anything else.
 */
export function parseTime(text: string, now: number): number | null {
  const relative = /^now(?:-(\d+)([smhdw]))?$/.exec(text.trim());
  if (relative) {
    const [, count, unit] = relative;
    return count && unit ? now - Number(count) * (UNITS[unit] ?? 0) : now;
  }
  if (/^\d+$/.test(text)) {
    const digits = text.length;
    const number = Number(text);
    if (digits <= 11) return number * 1e3;
    if (digits <= 14) return number;
    if (digits <= 17) return number / 1e3;
    return number / 1e6;
  }
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? null : parsed;
}

const two = (number: number) => String(number).padStart(2, "0");

/** Time of day with milliseconds; with the date when it is not today. */
export function clock(millis: number, utc: boolean, now: number = Date.now()): string {
  const at = new Date(utc ? millis : millis - new Date(millis).getTimezoneOffset() * 60e3);
  const today = new Date(utc ? now : now - new Date(now).getTimezoneOffset() * 60e3);
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}.${String(at.getUTCMilliseconds()).padStart(3, "0")}`;
  const date = at.toISOString().slice(0, 10);
  return date === today.toISOString().slice(0, 10) ? time : `${date} ${time}`;
}

/** Hours and minutes for axes. */
export function axisClock(millis: number, utc: boolean): string {
  return clock(millis, utc, millis).slice(0, 5);
}

/** `4 min ago`, for lists. */
export function ago(millis: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - millis) / 1e3));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** ISO 8601 of nanoseconds since 1970, to the nanosecond. */
export function isoNanos(unixNanos: bigint): string {
  const millis = Number(unixNanos / 1_000_000n);
  const rest = String(unixNanos % 1_000_000_000n).padStart(9, "0");
  return `${new Date(millis).toISOString().slice(0, 19)}.${rest}Z`;
}
