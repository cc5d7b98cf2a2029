/** What an answer looks like as a chart: lines over time when its first column is a time, else bars. */
import type { Line } from "../charts/paint.ts";
import { distinctSlots } from "../text/colors.ts";
import { compact, duration, percent } from "../text/numbers.ts";
import { cellText, isKey, type ShownColumn } from "./cells.ts";
import type { Row } from "./reader.ts";

export interface TimePlot {
  readonly title: string;
  readonly text: (value: number) => string;
  readonly lines: readonly Line[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

export interface BarPlot {
  readonly title: string;
  readonly text: (value: number) => string;
  readonly bars: readonly Bar[];
}

export type Drawing =
  | {
      readonly form: "time";
      readonly plots: readonly TimePlot[];
      /** Ends of the intervals, milliseconds. */
      readonly times: readonly number[];
      readonly stepMillis: number;
      readonly range: { readonly from: number; readonly to: number };
      readonly notes: readonly string[];
    }
  | { readonly form: "bars"; readonly plots: readonly BarPlot[]; readonly notes: readonly string[] }
  | { readonly form: "none"; readonly why: string };

/** Lines that a chart can tell apart by their colors. */
export const LINES_MAX = 12;
export const BARS_MAX = 50;
/** Columns of numbers that are drawn. */
const PLOTS_MAX = 6;
/** Above so many, intervals without rows are left out. */
const INTERVALS_MAX = 5000;
/** A chart of one time has this width, in milliseconds. */
const STEP_ALONE = 60_000;

const textOf = ({ kind, unit }: ShownColumn) =>
  kind === "duration"
    ? (value: number) => duration(value * unit)
    : kind === "share"
      ? percent
      : (value: number) => compact(Number(value.toPrecision(4)));

const numberIn = (row: Row, i: number) => {
  const value = row[i] ?? null;
  return value === null || !Number.isFinite(Number(value)) ? null : Number(value);
};

/** What is asked for: a chart that ends where the time does. */
type Range = { readonly from: number; readonly to: number };

export function drawingOf(
  columns: readonly ShownColumn[],
  rows: readonly Row[],
  range: Range,
  utc: boolean,
): Drawing {
  if (rows.length === 0) return { form: "none", why: "There are no rows to draw." };
  const [first] = columns;
  const measures = columns.flatMap((column, i) => (isKey(column) ? [] : [i])).slice(0, PLOTS_MAX);
  if (measures.length === 0)
    return { form: "none", why: "A chart needs a column of numbers, such as count(*)." };
  return first?.kind === "time"
    ? overTime(columns, rows, measures, range)
    : asBars(columns, rows, measures, utc);
}

/** A name out of the values of the columns that are no measures. */
function namer(columns: readonly ShownColumn[], keys: readonly number[], utc: boolean): (row: Row) => string {
  return (row) =>
    keys
      .map((i) => {
        const column = columns[i];
        return column ? cellText(column, row[i] ?? null, utc) : "";
      })
      .join(" · ");
}

function overTime(
  columns: readonly ShownColumn[],
  rows: readonly Row[],
  measures: readonly number[],
  range: Range,
): Drawing {
  const stamps = rows.map((row) => Date.parse(String(row[0])));
  const starts = [...new Set(stamps)].filter(Number.isFinite).sort((a, b) => a - b);
  const stepMillis = stepOf(starts);
  const { kept, isCut } = over(starts, stepMillis, range);
  const at = new Map(kept.map((start, i) => [start, i]));
  const keys = columns.flatMap((column, i) => (i > 0 && isKey(column) ? [i] : []));
  const name = namer(columns, keys, true);
  const notes = isCut ? ["Intervals that are not wholly in the time range are left out."] : [];
  const isOfServices = keys.length === 1 && columns[keys[0] ?? 0]?.kind === "service";
  const series = (measure: number) => {
    const found = new Map<string, (number | null)[]>();
    rows.forEach((row, i) => {
      const position = at.get(stamps[i] ?? Number.NaN);
      const value = numberIn(row, measure);
      if (position === undefined || value === null) return;
      const key = name(row);
      const values = found.get(key) ?? new Array<number | null>(kept.length).fill(null);
      values[position] = Math.max(value, values[position] ?? Number.NEGATIVE_INFINITY);
      found.set(key, values);
    });
    return found;
  };
  const plots =
    keys.length > 0
      ? measures.map((measure) => grouped(columns[measure], series(measure), isOfServices, notes))
      : together(columns, measures, (measure) => series(measure).get("") ?? []);
  return {
    form: "time",
    plots,
    times: kept.map((start) => start + stepMillis),
    stepMillis,
    range: { from: kept[0] ?? range.from, to: (kept.at(-1) ?? range.to) + stepMillis },
    notes: [...new Set(notes)],
  };
}

/** The shortest time between two. */
function stepOf(starts: readonly number[]): number {
  let step = Number.POSITIVE_INFINITY;
  for (let i = 1; i < starts.length; i++) step = Math.min(step, (starts[i] ?? 0) - (starts[i - 1] ?? 0));
  return Number.isFinite(step) ? step : STEP_ALONE;
}

/**
 * Without the intervals that the range cuts, which would look like a fall, and with those that have no rows. Single
 * times are no intervals.
 */
function over(
  starts: readonly number[],
  step: number,
  range: Range,
): { kept: readonly number[]; isCut: boolean } {
  const areIntervals = step >= 1000 && starts.every((start) => start % step === 0);
  if (!areIntervals) return { kept: starts, isCut: false };
  const whole = starts.filter((start) => start >= range.from && start + step <= range.to);
  // Something that is cut is better than nothing.
  const isCut = whole.length > 1 && whole.length < starts.length;
  const kept = whole.length > 1 ? whole : starts;
  const first = kept[0] ?? 0;
  const count = ((kept.at(-1) ?? first) - first) / step + 1;
  if (count > INTERVALS_MAX) return { kept, isCut };
  return { kept: Array.from({ length: count }, (_, i) => first + i * step), isCut };
}

/** One line per value of the other columns, the highest ones. */
function grouped(
  column: ShownColumn | undefined,
  found: ReadonlyMap<string, readonly (number | null)[]>,
  isOfServices: boolean,
  notes: string[],
): TimePlot {
  const sum = (values: readonly (number | null)[]) =>
    values.reduce<number>((all, value) => all + (value ?? 0), 0);
  const all = Array.from(found, ([name, values]) => ({ name, values, sum: sum(values) }));
  const shown = all.sort((a, b) => b.sum - a.sum).slice(0, LINES_MAX);
  if (shown.length < all.length)
    notes.push(`The ${LINES_MAX} highest of ${all.length} lines are shown; the table has all.`);
  const slots = isOfServices ? distinctSlots(shown.map(({ name }) => name)) : shown.map((_, i) => i);
  return {
    title: column?.name ?? "",
    text: column ? textOf(column) : String,
    lines: shown.map(({ name, values }, i) => ({ name, values, color: `service-${slots[i]}` })),
  };
}

/** Columns of the same unit in one chart. */
function together(
  columns: readonly ShownColumn[],
  measures: readonly number[],
  valuesOf: (measure: number) => readonly (number | null)[],
): TimePlot[] {
  const kindOf = (i: number) => columns[i]?.kind;
  return [...new Set(measures.map(kindOf))].map((kind) => {
    const own = measures.filter((i) => kindOf(i) === kind);
    const first = columns[own[0] ?? 0];
    // What has another unit of time is drawn in that of the first.
    const factor = (i: number) => (first?.kind === "duration" ? (columns[i]?.unit ?? 1) / first.unit : 1);
    return {
      title: own.map((i) => columns[i]?.name).join(", "),
      text: first ? textOf(first) : String,
      lines: own.map((i, at) => ({
        name: columns[i]?.name ?? "",
        color: /err|fail/i.test(columns[i]?.name ?? "") ? "error" : at === 0 ? "accent" : `service-${at}`,
        values: valuesOf(i).map((value) => (value === null ? null : value * factor(i))),
      })),
    };
  });
}

function asBars(
  columns: readonly ShownColumn[],
  rows: readonly Row[],
  measures: readonly number[],
  utc: boolean,
): Drawing {
  const keys = columns.flatMap((column, i) => (isKey(column) ? [i] : []));
  // Numbers alone: the first of several says what the others are of.
  const [named, drawn] =
    keys.length === 0 && measures.length > 1 ? [measures.slice(0, 1), measures.slice(1)] : [keys, measures];
  const name = namer(columns, named, utc);
  const shown = rows.slice(0, BARS_MAX);
  const plots = drawn.flatMap((measure) => {
    const column = columns[measure];
    if (!column) return [];
    const bars = shown.flatMap((row) => {
      const value = numberIn(row, measure);
      return value === null ? [] : [{ label: name(row) || column.name, value }];
    });
    return [{ title: column.name, text: textOf(column), bars }];
  });
  const notes =
    rows.length > shown.length
      ? [`The first ${BARS_MAX} of ${rows.length} rows are drawn; the table has all.`]
      : [];
  return { form: "bars", plots, notes };
}
