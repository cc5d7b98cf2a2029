/** What the values of an answer are, how they are written, and in which order they stand. */
import { duration, exactDuration, percent } from "../text/numbers.ts";
import { clock } from "../text/times.ts";
import type { Column, Row, Value } from "./reader.ts";

export type Kind =
  | "time"
  | "duration"
  | "share"
  | "number"
  | "trace"
  | "span"
  | "service"
  | "status"
  | "text";

export interface ShownColumn extends Column {
  readonly kind: Kind;
  /** How many nanoseconds a unit of a duration has. */
  readonly unit: number;
  /** Whether its times need milliseconds. */
  readonly hasMillis: boolean;
}

const NUMBERS = new Set(["bigint", "bigint unsigned", "integer", "smallint", "double", "numeric"]);
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  nanos: 1,
  us: 1e3,
  micros: 1e3,
  ms: 1e6,
  millis: 1e6,
};
/** Rows that are looked at to tell what a column is. */
const SAMPLE = 200;

export const isNumber = ({ type }: Column) => NUMBERS.has(type);

/** Nanoseconds per unit of what a name says it is: `p99_ms`, `avg(spans.duration_nanos)`; 0 for no duration. */
export function unitOf(name: string): number {
  // How many there are, and products of them, are no durations.
  if (/^(approx_distinct|count|corr|covar|regr|var)/.test(name)) return 0;
  const [, unit = ""] = /(?:^|_)(ns|nanos|us|micros|ms|millis)\b/.exec(name) ?? [];
  return UNITS[unit] ?? 0;
}

/** Numbers that name something and do not count. */
const KEY = /(^|_)(code|id|port|hour|day|month|year|bucket|step|level|number|le)$/;

/** Whether a column says what a row is about: everything but what counts and measures. */
export const isKey = (column: Column) => !isNumber(column) || KEY.test(column.name);

const GROUPED = new Intl.NumberFormat("en");

function kindOf(column: Column, values: readonly Value[]): Kind {
  const { name, type } = column;
  if (type === "timestamptz") return "time";
  if (isNumber(column)) {
    if (unitOf(name) > 0) return "duration";
    const isShare =
      /(^|_)(share|ratio)$/.test(name) &&
      values.every((v) => v === null || (Number(v) >= 0 && Number(v) <= 1));
    return isShare ? "share" : "number";
  }
  if (type !== "text") return "text";
  if (name === "service_name" || name === "root_service_name") return "service";
  if (name === "status" && values.every((v) => v === null || ["error", "ok", "unset"].includes(String(v))))
    return "status";
  const texts = values.filter((value) => value !== null).map(String);
  if (/trace_?id/i.test(name) && texts.every((text) => /^[0-9a-f]{32}$/.test(text))) return "trace";
  return /span_?id/i.test(name) && texts.every((text) => /^[0-9a-f]{16}$/.test(text)) ? "span" : "text";
}

/** The columns of an answer with what they hold. */
export function shownColumns(columns: readonly Column[], rows: readonly Row[]): ShownColumn[] {
  return columns.map((column, i) => {
    const values = rows.slice(0, SAMPLE).map((row) => row[i] ?? null);
    const hasMillis = values.some((value) => typeof value === "string" && /\.\d*[1-9]/.test(value));
    return { ...column, kind: kindOf(column, values), unit: unitOf(column.name), hasMillis };
  });
}

/** A number as it is read: whole ones exact, others with six digits. */
export function numberText(value: Value): string {
  const number = Number(value);
  if (!Number.isFinite(number)) return String(value);
  if (typeof value === "string") return GROUPED.format(BigInt(value));
  if (!Number.isInteger(number)) {
    const size = Math.abs(number);
    return size >= 1e15 || size < 1e-4 ? number.toPrecision(6) : String(Number(number.toPrecision(6)));
  }
  return GROUPED.format(number);
}

/** A value as a program would write it. */
export function exactText(value: Value): string {
  if (value === null) return "null";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A value in its cell. */
export function cellText(column: ShownColumn, value: Value, utc: boolean): string {
  const { kind, unit, hasMillis } = column;
  if (value === null || typeof value === "object" || typeof value === "boolean") return exactText(value);
  if (kind === "duration") return duration(Number(value) * unit);
  if (kind === "share") return percent(Number(value));
  if (kind === "number") return isKey(column) ? String(value) : numberText(value);
  if (kind !== "time") return String(value);
  const millis = Date.parse(String(value));
  if (Number.isNaN(millis)) return String(value);
  const text = clock(millis, utc);
  return hasMillis ? text : text.slice(0, -4);
}

/** What there is to know about a value besides what its cell says. */
export function detailText(column: ShownColumn, value: Value): string {
  if (value === null || column.kind !== "duration") return exactText(value);
  return `${exactText(value)} (${exactDuration(Number(value) * column.unit)})`;
}

/** How rows are ordered: by a column, counted from 0. */
export interface RowOrder {
  readonly column: number;
  readonly descending: boolean;
}

/** `2`, `-0` out of the address. */
export function orderOf(text: string | null, columns: number): RowOrder | null {
  const [, sign, digits] = /^(-?)(\d+)$/.exec(text ?? "") ?? [];
  const column = Number(digits);
  return digits !== undefined && column < columns ? { column, descending: sign === "-" } : null;
}

export const orderText = ({ column, descending }: RowOrder) => `${descending ? "-" : ""}${column}`;

/** Numbers begin with the largest, others with the first; then the other way around, then as they came. */
export function nextRowOrder(order: RowOrder | null, column: number, isNumeric: boolean): RowOrder | null {
  if (order?.column !== column) return { column, descending: isNumeric };
  return order.descending === isNumeric ? { column, descending: !isNumeric } : null;
}

const texts = new Intl.Collator("en", { numeric: true });

function compare(a: Value, b: Value, kind: Kind, isNumeric: boolean): number {
  if (isNumeric) {
    const difference = Number(a) - Number(b);
    if (difference !== 0 || (typeof a === "number" && typeof b === "number")) return difference;
    const [x, y] = [BigInt(String(a)), BigInt(String(b))];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  const [x, y] = [exactText(a), exactText(b)];
  if (kind !== "time") return texts.compare(x, y);
  // Without the zone, which is the same for all, a time is before those that go on with a fraction.
  const [p, q] = [x.replace("Z", ""), y.replace("Z", "")];
  return p < q ? -1 : p > q ? 1 : 0;
}

/** Positions of rows in an order; what is null is last in each. */
export function orderedRows(
  rows: readonly Row[],
  columns: readonly ShownColumn[],
  order: RowOrder | null,
): number[] {
  const positions = rows.map((_, i) => i);
  const column = order ? columns[order.column] : undefined;
  if (!order || !column) return positions;
  const sign = order.descending ? -1 : 1;
  const valueAt = (i: number) => rows[i]?.[order.column] ?? null;
  return positions.sort((i, j) => {
    const [a, b] = [valueAt(i), valueAt(j)];
    if (a === null || b === null) return Number(a === null) - Number(b === null) || i - j;
    return sign * compare(a, b, column.kind, isNumber(column)) || i - j;
  });
}
