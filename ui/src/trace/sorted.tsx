/** A table that is sorted by a click on a column. For some hundreds of lines. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import styles from "./views.module.css";

export interface Column<Line> {
  readonly key: string;
  readonly label: string;
  /** What it is sorted by; numbers are aligned right, largest first. */
  readonly of: (line: Line) => number | string;
  /** What is shown, when that is something else. */
  readonly show?: (line: Line) => ComponentChildren;
  readonly title?: string;
}

/** What is sorted by a column. */
export interface Order {
  readonly key: string;
  readonly descending: boolean;
}

/** The order after a click on a column: numbers begin with the largest, names with the first. */
export function nextOrder(order: Order, key: string, isNumeric: boolean): Order {
  return order.key === key ? { key, descending: !order.descending } : { key, descending: isNumeric };
}

export function compareBy<Line>(column: Column<Line>, descending: boolean): (a: Line, b: Line) => number {
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [x, y] = [column.of(a), column.of(b)];
    return sign * (typeof x === "string" ? x.localeCompare(String(y)) : x - Number(y));
  };
}

/** Lines that are shown at first, and by how many more at a time. */
const LINES_STEP = 200;

export function Sorted<Line>({
  label,
  lines,
  columns,
  initial,
  swatch,
  isChosen,
  isApart,
  choose,
}: {
  label: string;
  lines: readonly Line[];
  columns: readonly Column<Line>[];
  initial: string;
  swatch?: (line: Line) => string | undefined;
  isChosen?: (line: Line) => boolean;
  /** Whether nothing of it is in full color. */
  isApart?: (line: Line) => boolean;
  choose: (line: Line) => void;
}) {
  const order = useSignal<Order>({ key: initial, descending: true });
  const shown = useSignal(LINES_STEP);
  const { key, descending } = order.value;
  const column = columns.find((column) => column.key === key);
  // Columns are new objects at every turn, but say the same about the same lines.
  const sorted = useMemo(
    () => (column ? [...lines].sort(compareBy(column, descending)) : lines),
    [lines, key, descending],
  );
  const sample = lines[0];
  const isNumeric = (column: Column<Line>) => sample !== undefined && typeof column.of(sample) === "number";
  return (
    <>
      <table class={`grid ${styles.lines}`} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                class={isNumeric(column) ? "numeric" : undefined}
                title={column.title}
                aria-sort={column.key === key ? (descending ? "descending" : "ascending") : undefined}
              >
                <button
                  type="button"
                  onClick={() => {
                    order.value = nextOrder(order.peek(), column.key, isNumeric(column));
                  }}
                >
                  {column.label}
                  {column.key === key && (descending ? " ↓" : " ↑")}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, shown.value).map((line, i) => (
            <tr
              key={i}
              data-chosen={isChosen?.(line)}
              data-match={isApart?.(line) ? "no" : undefined}
              onClick={() => choose(line)}
            >
              {columns.map((column, c) => (
                <td key={column.key} class={isNumeric(column) ? "numeric" : undefined}>
                  {c === 0 ? (
                    <button
                      type="button"
                      class={styles.line}
                      aria-pressed={isChosen?.(line)}
                      onClick={(event) => {
                        event.stopPropagation();
                        choose(line);
                      }}
                    >
                      {swatch && <span class="swatch" style={{ background: swatch(line) ?? "none" }} />}
                      {column.show?.(line) ?? column.of(line)}
                    </button>
                  ) : (
                    (column.show?.(line) ?? column.of(line))
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown.value && (
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            shown.value += LINES_STEP;
          }}
        >
          {shown.value} of {sorted.length.toLocaleString("en")} lines; show more
        </button>
      )}
    </>
  );
}
