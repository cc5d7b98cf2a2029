/** A table of figures, one group of spans a row; every number leads to the search for its spans. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Sparkline } from "../home/sparkline.tsx";
import { place, setQuery } from "../router.ts";
import { compact, counted, duration, exactDuration, percent, rate } from "../text/numbers.ts";
import type { Figures } from "./figures.ts";
import { searchLink } from "./links.ts";
import type { Notable } from "./notable.ts";
import { all } from "./spans.ts";
import styles from "./table.module.css";

/** A share of errors from which it is pointed out. */
export const ATTENTION = 0.01;
/** Rows that are shown at first. */
const ROWS_SHOWN = 200;

export interface FiguresRow {
  readonly key: string;
  /** What the row is about, as text: rows are ordered by it. */
  readonly name: string;
  readonly cell: ComponentChildren;
  /** The condition that its spans pass. */
  readonly filter: string;
  readonly figures: Figures;
  /** `undefined` while it is being asked for. */
  readonly change?: Notable | null | undefined;
}

const NUMBERS = ["rate", "errors", "p50", "p95", "p99"] as const;
type Column = "name" | (typeof NUMBERS)[number];
const LABELS: Record<(typeof NUMBERS)[number], string> = {
  rate: "Rate",
  errors: "Errors",
  p50: "p50",
  p95: "p95",
  p99: "p99",
};

const columnOf = (text: string | null, first: Column): Column =>
  text === "name" || NUMBERS.some((column) => column === text) ? (text as Column) : first;

const number = (value: number) => (Number.isFinite(value) ? value : -1);

export function ordered(rows: readonly FiguresRow[], by: Column): FiguresRow[] {
  return [...rows].sort((a, b) => {
    if (by === "name") return a.name.localeCompare(b.name);
    const difference = number(b.figures[by]) - number(a.figures[by]);
    return difference || b.figures.rate - a.figures.rate || a.name.localeCompare(b.name);
  });
}

export function FiguresTable({
  label,
  rows,
  first = "rate",
  hasChange = false,
}: {
  label: string;
  rows: readonly FiguresRow[];
  /** How rows are ordered unless the address says. */
  first?: Column;
  hasChange?: boolean;
}) {
  const order = columnOf(place.value.query.get("order"), first);
  const [isWhole, showAll] = useState(false);
  const shown = ordered(rows, order).slice(0, isWhole ? undefined : ROWS_SHOWN);
  const head = (column: Column, text: string) => {
    const numeric = column !== "name";
    return (
      <th
        key={column}
        class={numeric ? "numeric" : undefined}
        aria-sort={order === column ? (numeric ? "descending" : "ascending") : undefined}
      >
        <button type="button" onClick={() => setQuery({ order: column === first ? undefined : column })}>
          {text}
          {order === column && (numeric ? " ↓" : " ↑")}
        </button>
      </th>
    );
  };
  return (
    <div class={styles.scroll}>
      <table class={`grid ${styles.table}`}>
        <thead>
          <tr>
            {head("name", label)}
            {NUMBERS.map((column) => head(column, LABELS[column]))}
            {hasChange && <th title="Against the same length of time just before">Change</th>}
            <th class={styles.trend}>Trend</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <Row key={row.key} row={row} hasChange={hasChange} />
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <button type="button" class="button" onClick={() => showAll(true)}>
          Show all {counted(rows.length, "row")}
        </button>
      )}
    </div>
  );
}

function Row({ row, hasChange }: { row: FiguresRow; hasChange: boolean }) {
  const { name, cell, filter, figures, change } = row;
  const { errors, failed, count } = figures;
  const slower = (nanos: number) => (
    <td class="numeric" title={Number.isFinite(nanos) ? exactDuration(nanos) : undefined}>
      <a class={styles.figure} href={searchLink(all(filter, `duration >= ${Math.floor(number(nanos))}ns`))}>
        {duration(nanos)}
      </a>
    </td>
  );
  return (
    <tr>
      <td>{cell}</td>
      <td class="numeric" title={counted(count, "span")}>
        <a class={styles.figure} href={searchLink(filter)}>
          {rate(figures.rate)}
        </a>
      </td>
      <td class="numeric" title={`${compact(failed)} of ${counted(count, "span")}`}>
        <a
          class={errors >= ATTENTION ? "error-text" : styles.figure}
          href={searchLink(all(filter, "status = error"))}
        >
          {errors >= ATTENTION && "▲ "}
          {percent(errors)}
        </a>
      </td>
      {slower(figures.p50)}
      {slower(figures.p95)}
      {slower(figures.p99)}
      {hasChange && (
        <td class={`${styles.change} ${change?.worse ? "error-text" : "secondary"}`} title={change?.detail}>
          {change ? change.text : "–"}
        </td>
      )}
      <td class={styles.trend}>
        <Sparkline values={figures.trend} errors={figures.errorTrend} label={`Rate of ${name} over time`} />
      </td>
    </tr>
  );
}
