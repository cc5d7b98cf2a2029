/** Rows of one height of which only those in sight exist, with the keys of a tree grid. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import styles from "./rows.module.css";

export const ROW_HEIGHT = 28;
const MARGIN_ROWS = 8;

export interface RowFacts {
  readonly level: number;
  readonly label: string;
  /** `undefined` for what cannot be opened. */
  readonly expanded: boolean | undefined;
}

export interface RowsProps {
  readonly label: string;
  readonly count: number;
  readonly facts: (index: number) => RowFacts;
  readonly row: (index: number) => ComponentChildren;
  /** Opens or closes the row. */
  readonly toggle: (index: number) => void;
  readonly head: ComponentChildren;
}

export function Rows({ label, count, facts, row, toggle, head }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(0);
  const active = useSignal(0);
  /** The row that a key leads to, from the key until the row is drawn. */
  const target = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (target.current === null) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[aria-rowindex="${target.current + 1}"]`);
    target.current = null;
    row?.focus({ preventScroll: true });
  });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    // At once: until the observer tells it there are but a few rows, and a key leads to none below them.
    height.value = element.clientHeight;
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [height]);
  const first = Math.max(0, Math.floor(top.value / ROW_HEIGHT) - MARGIN_ROWS);
  const last = Math.min(count, Math.ceil((top.value + height.value) / ROW_HEIGHT) + MARGIN_ROWS);
  const current = Math.min(active.value, Math.max(0, count - 1));
  const go = (index: number) => {
    const element = scroller.current;
    if (!element) return;
    const to = Math.min(count - 1, Math.max(0, index));
    active.value = to;
    const [from, end] = [to * ROW_HEIGHT, (to + 1) * ROW_HEIGHT];
    // The header covers the first row's height.
    if (from < element.scrollTop) element.scrollTop = from;
    if (end + ROW_HEIGHT > element.scrollTop + element.clientHeight)
      element.scrollTop = end + ROW_HEIGHT - element.clientHeight;
    if (to !== current) target.current = to;
    // The event for it comes with the next picture; a key pressed before that would find no row to start from.
    top.value = element.scrollTop;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target as Element).matches("[role=row]")) return;
    // With these the keys are the browser's: the page before, the end of a line.
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { expanded, level } = facts(current);
    const moves: Record<string, () => void> = {
      ArrowDown: () => go(current + 1),
      ArrowUp: () => go(current - 1),
      Home: () => go(0),
      End: () => go(count - 1),
      ArrowRight: () => (expanded === false ? toggle(current) : go(current + 1)),
      ArrowLeft: () => (expanded ? toggle(current) : go(parentOf(current, level, facts))),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  };
  return (
    <div
      ref={scroller}
      class={styles.scroller}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      <div role="treegrid" aria-label={label} aria-rowcount={count} class={styles.grid} onKeyDown={onKeyDown}>
        <div class={styles.head} role="row">
          {head}
        </div>
        <div class={styles.rows} role="rowgroup" style={{ height: `${count * ROW_HEIGHT}px` }}>
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => {
            const index = first + i;
            const { level, label, expanded } = facts(index);
            return (
              <div
                key={index}
                role="row"
                aria-rowindex={index + 1}
                aria-level={level}
                aria-expanded={expanded}
                aria-label={label}
                tabIndex={index === current ? 0 : -1}
                class={styles.row}
                style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
                onFocus={() => {
                  active.value = index;
                }}
              >
                {row(index)}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function parentOf(index: number, level: number, facts: (index: number) => RowFacts): number {
  for (let at = index - 1; at >= 0; at--) if (facts(at).level < level) return at;
  return index;
}
