/** The rows of an answer. Only those in sight exist; arrow keys go from cell to cell. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useMemo, useRef } from "preact/hooks";
import { href, navigate, place, setQuery } from "../router.ts";
import { announce, Copy, copy } from "../shell/copying.tsx";
import { utc } from "../shell/settings.ts";
import { serviceColor } from "../text/colors.ts";
import { rowsInSight } from "../trace/sight.ts";
import { useSize } from "../trace/use-size.ts";
import {
  cellText,
  detailText,
  exactText,
  isNumber,
  nextRowOrder,
  orderedRows,
  orderOf,
  orderText,
  type RowOrder,
  type ShownColumn,
} from "./cells.ts";
import styles from "./grid.module.css";
import { movedCell } from "./moves.ts";
import type { Row, Value } from "./reader.ts";

const ROW_HEIGHT = 26;
/** Rows whose texts are shown with all of their lines. */
const WHOLE_MAX = 60;
/** Rows that tell how wide a column is. */
const SAMPLE = 100;
/** Pixels of a character, and of what stands beside the text. */
const CHARACTER = { text: 7.2, number: 8 } as const;
const BESIDE = { padding: 22, swatch: 12 } as const;
/** A long name of a column of numbers is cut. */
const HEAD_MAX = 18;
const WIDTHS = { min: 56, max: 420 } as const;

/** A cell: position of its row as shown, and of its column. */
interface Cell {
  readonly row: number;
  readonly column: number;
}

/** Where a cell leads: to the trace, or the span in it. */
export function linkOf(columns: readonly ShownColumn[], row: Row, column: number): string | null {
  const value = row[column];
  if (typeof value !== "string") return null;
  const { kind } = columns[column] ?? {};
  if (kind === "trace") return href(`/trace/${value}`);
  if (kind !== "span") return null;
  const trace = row[columns.findIndex(({ kind }) => kind === "trace")];
  return typeof trace === "string" ? href(`/trace/${trace}`, { span: value }) : null;
}

/** Widths that hold what the first rows have; the wide ones share what is left. */
function templateOf(
  columns: readonly ShownColumn[],
  rows: readonly Row[],
): { template: string; width: number } {
  const widths = columns.map((column, i) => {
    const texts = rows.slice(0, SAMPLE).map((row) => cellText(column, row[i] ?? null, utc.value).length);
    const isText = !isNumber(column) && column.kind !== "time";
    const character = isText ? CHARACTER.text : CHARACTER.number;
    const beside = BESIDE.padding + (column.kind === "service" ? BESIDE.swatch : 0);
    const widest = Math.max(...texts, 0) * character;
    const head = Math.min(column.name.length, HEAD_MAX) * CHARACTER.text;
    return Math.min(WIDTHS.max, Math.max(WIDTHS.min, Math.ceil(Math.max(widest, head) + beside)));
  });
  const grows = columns.map((column) => !isNumber(column) && column.kind !== "time");
  return {
    template: widths
      .map((width, i) => `minmax(${width}px, ${grows[i] || !grows.includes(true) ? width : 0}fr)`)
      .join(" "),
    width: widths.reduce((sum, width) => sum + width, 0),
  };
}

export function Grid({
  columns,
  rows,
  isStale,
}: {
  columns: readonly ShownColumn[];
  rows: readonly Row[];
  isStale: boolean;
}) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const top = useSignal(0);
  const active = useSignal<Cell | null>(null);
  const order = orderOf(place.value.query.get("order"), columns.length);
  const key = order ? orderText(order) : "";
  const sorted = useMemo(() => orderedRows(rows, columns, order), [rows, columns, key]);
  const { template, width } = useMemo(
    () => templateOf(columns, rows),
    [columns, rows.length < SAMPLE ? rows : null, utc.value],
  );
  const isWhole = useMemo(
    () =>
      rows.length <= WHOLE_MAX &&
      rows.some((row) => row.some((value) => typeof value === "string" && value.includes("\n"))),
    [rows],
  );
  const { first, last } = isWhole
    ? { first: 0, last: rows.length }
    : rowsInSight(top.value, size.value.height, ROW_HEIGHT, rows.length);
  const page = Math.max(1, Math.floor(size.value.height / ROW_HEIGHT) - 2);
  useSignalEffect(() => {
    const cell = active.value;
    if (cell && scroller.current)
      reveal(scroller.current, `${id}-${cell.row}-${cell.column}`, isWhole ? null : cell.row);
  });
  const current =
    active.value && active.value.row < rows.length && active.value.column < columns.length
      ? active.value
      : null;
  const currentRow = current ? (rows[sorted[current.row] ?? 0] ?? []) : [];
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const value = current ? (currentRow[current.column] ?? null) : null;
    if (current && event.key === "Enter") {
      const to = linkOf(columns, currentRow, current.column);
      if (to) navigate(to);
    } else if (
      current &&
      event.key === "c" &&
      (event.ctrlKey || event.metaKey) &&
      getSelection()?.isCollapsed
    ) {
      void copy(exactText(value)).then(() => announce("Copied the value"));
    } else {
      const to = movedCell(event, current, { rows: rows.length, columns: columns.length, page });
      if (!to) return;
      active.value = to;
    }
    event.preventDefault();
  };
  return (
    <div class={styles.box} data-stale={isStale}>
      <div
        ref={scroller}
        class={styles.scroller}
        role="grid"
        tabIndex={0}
        aria-label="Rows of the answer"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length}
        aria-activedescendant={current ? `${id}-${current.row}-${current.column}` : undefined}
        onKeyDown={onKeyDown}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
        style={{ "--columns": template }}
      >
        <Heads
          columns={columns}
          order={order}
          width={width}
          choose={() => scroller.current?.scrollTo({ top: 0 })}
        />
        <div
          role="rowgroup"
          class={styles.rows}
          data-whole={isWhole}
          style={{ minWidth: `${width}px`, height: isWhole ? undefined : `${rows.length * ROW_HEIGHT}px` }}
        >
          {sorted.slice(first, last).map((position, i) => (
            <Line
              key={position}
              id={id}
              columns={columns}
              row={rows[position] ?? []}
              index={first + i}
              active={current?.row === first + i ? current.column : null}
              choose={(column) => {
                active.value = { row: first + i, column };
              }}
            />
          ))}
        </div>
      </div>
      {current && <ValueOf column={columns[current.column]} value={currentRow[current.column] ?? null} />}
    </div>
  );
}

/** Scrolls so that a cell is in sight: first its row, which may not exist yet, then the cell. */
function reveal(scroller: HTMLElement, id: string, row: number | null): void {
  if (row !== null) {
    const y = row * ROW_HEIGHT;
    const inner = scroller.clientHeight - 2 * ROW_HEIGHT;
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    else if (y > scroller.scrollTop + inner) scroller.scrollTop = y - inner;
  }
  requestAnimationFrame(() => {
    document.getElementById(id)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

function Heads({
  columns,
  order,
  width,
  choose,
}: {
  columns: readonly ShownColumn[];
  order: RowOrder | null;
  width: number;
  choose: () => void;
}) {
  return (
    <div role="rowgroup" class={styles.heads} style={{ minWidth: `${width}px` }}>
      <div role="row" aria-rowindex={1} class={styles.line}>
        {columns.map((column, i) => {
          const isSorted = order?.column === i;
          const next = nextRowOrder(order, i, isNumber(column));
          return (
            <span
              key={i}
              role="columnheader"
              aria-colindex={i + 1}
              class={isNumber(column) ? "numeric" : undefined}
              aria-sort={isSorted ? (order.descending ? "descending" : "ascending") : undefined}
            >
              <button
                type="button"
                title={`${column.name}, ${column.type}`}
                onClick={() => {
                  setQuery({ order: next ? orderText(next) : undefined });
                  choose();
                }}
              >
                {column.name}
                {isSorted && (order.descending ? " ↓" : " ↑")}
              </button>
            </span>
          );
        })}
      </div>
    </div>
  );
}

function Line({
  id,
  columns,
  row,
  index,
  active,
  choose,
}: {
  id: string;
  columns: readonly ShownColumn[];
  row: Row;
  index: number;
  active: number | null;
  choose: (column: number) => void;
}) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      class={styles.line}
      data-odd={index % 2 === 1}
      style={{ top: `${index * ROW_HEIGHT}px` }}
    >
      {columns.map((column, i) => (
        <span
          key={i}
          id={`${id}-${index}-${i}`}
          role="gridcell"
          aria-colindex={i + 1}
          aria-selected={active === i}
          class={isNumber(column) ? "numeric" : undefined}
          data-null={row[i] === null}
          onClick={() => choose(i)}
        >
          <Content column={column} value={row[i] ?? null} to={linkOf(columns, row, i)} />
        </span>
      ))}
    </div>
  );
}

function Content({
  column,
  value,
  to,
}: {
  column: ShownColumn;
  value: Value;
  to: string | null;
}): ComponentChildren {
  const text = cellText(column, value, utc.value);
  if (to) {
    return (
      <a href={to} tabIndex={-1} class="mono">
        {text}
      </a>
    );
  }
  if (value === null) return text;
  if (column.kind === "service") {
    return (
      <>
        <span class="swatch" style={{ background: serviceColor(text) }} />
        {text}
      </>
    );
  }
  if (column.kind === "status" && value === "error") return <span class="error-text">▲ error</span>;
  return column.kind === "trace" || column.kind === "span" ? <span class="mono">{text}</span> : text;
}

/** The value of the chosen cell, whole and exact. */
function ValueOf({ column, value }: { column: ShownColumn | undefined; value: Value }) {
  if (!column) return null;
  return (
    <div class={styles.value} role="group" aria-label="The chosen value">
      <b>{column.name}</b>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <pre tabIndex={0}>{detailText(column, value)}</pre>
      <Copy text={exactText(value)} what="the value" />
    </div>
  );
}
