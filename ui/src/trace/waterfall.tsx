/**
 * The waterfall: rows of text in the document, bars on one canvas beneath them. Only what is in sight exists, so
 * that a hundred thousand spans cost as much as fifty.
 */
import { effect, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useAnchor } from "./anchor.ts";
import { Axis } from "./axis.tsx";
import { Bars, ROW_HEIGHT } from "./bars.ts";
import { xIn } from "./drag.ts";
import { sharp } from "./paint.ts";
import { Row } from "./row.tsx";
import { spanOfRow } from "./rows.ts";
import { Ruler } from "./ruler.tsx";
import { offsetOf, rowsInSight, SCROLL_HEIGHT_MAX, scrollTopOf } from "./sight.ts";
import type { TraceState } from "./state.ts";
import { useSize } from "./use-size.ts";
import styles from "./waterfall.module.css";

const NAMES_KEY = "trace-names-width";

export function Waterfall({ state }: { state: TraceState }) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const pile = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const size = useSize(scroller);
  const chosen = useSignal(storedNamesWidth());
  // On a narrow screen the bars keep more than half.
  const names = useComputed(() => {
    const { width } = size.value;
    return width < 900 ? Math.min(chosen.value, Math.round(width * 0.45)) : chosen.value;
  });
  const height = useComputed(() => state.rows.value.length * ROW_HEIGHT);
  const offset = useComputed(() => offsetOf(top.value, size.value.height, height.value));
  const first = useComputed(
    () => rowsInSight(offset.value, size.value.height, ROW_HEIGHT, state.rows.value.length).first,
  );
  const last = useComputed(
    () => rowsInSight(offset.value, size.value.height, ROW_HEIGHT, state.rows.value.length).last,
  );

  // Bars follow the scroll position, the zoom, what is hovered and the theme without rendering the tree again.
  useEffect(
    () =>
      effect(() => {
        const { width, height } = size.value;
        const bars = Math.max(1, width - names.value);
        const context = canvas.current && width > 0 && sharp(canvas.current, bars, height);
        if (context) new Bars(state, context, { width: bars, height, offset: offset.value }).paint();
        if (pile.current) {
          const shift = top.value - offset.value;
          pile.current.style.transform = shift === 0 ? "" : `translateY(${shift}px)`;
        }
      }),
    [state],
  );

  // What is selected comes into sight, but not because spans have come.
  const followed = useRef(state.skeleton);
  useSignalEffect(() => {
    const selected = state.selected.value;
    const index = selected === null ? -1 : state.rowIndex(selected);
    const element = scroller.current;
    const hasGrown = followed.current !== state.skeleton;
    followed.current = state.skeleton;
    if (index < 0 || !element || hasGrown) return;
    const [from, to] = [index * ROW_HEIGHT, (index + 1) * ROW_HEIGHT];
    const visible = element.clientHeight;
    const at = offsetOf(element.scrollTop, visible, height.peek());
    if (from < at || to > at + visible)
      element.scrollTop = scrollTopOf(Math.max(0, from - visible / 2), visible, height.peek());
  });

  const timeAt = (x: number) => {
    const { from, to } = state.zooming.window.peek();
    const { width } = size.peek();
    return from + (Math.max(0, x - names.peek()) / Math.max(1, width - names.peek())) * (to - from);
  };
  const rows = state.rows.value;
  const shown = Array.from(rows.subarray(first.value, last.value), (row, i) => ({
    row,
    index: first.value + i,
  }));
  // As many as fit at once, so that no two have the same.
  const pool = Math.max(1, Math.ceil(size.value.height / ROW_HEIGHT / 8 + 4) * 8);
  const selected = state.selected.value;
  useAnchor({ skeleton: state.skeleton, rows, selected }, { element: scroller, top, rowHeight: ROW_HEIGHT });
  return (
    <div class={styles.frame}>
      <Axis state={state} names={names.value} width={size.value.width}>
        Service and operation
      </Axis>
      <canvas ref={canvas} class={styles.bars} style={{ left: `${names.value}px` }} aria-hidden="true" />
      <div
        ref={scroller}
        class={styles.scroller}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          state.zooming.around(timeAt(xIn(event)), event.deltaY > 0 ? 1.25 : 0.8);
        }}
        onMouseLeave={() => {
          state.hovered.value = null;
        }}
      >
        <div
          class={styles.rows}
          role="treegrid"
          aria-label="Spans"
          aria-rowcount={rows.length}
          style={{ height: `${Math.min(height.value, SCROLL_HEIGHT_MAX)}px` }}
        >
          <div ref={pile} role="presentation" class={styles.pile}>
            {shown.map(({ row, index }) => (
              // Elements are used again for other rows, but the one that may have the focus is not.
              <Row
                key={spanOfRow(row) === selected ? "selected" : index % pool}
                state={state}
                row={row}
                index={index}
                names={names.value}
              />
            ))}
          </div>
        </div>
      </div>
      <Ruler state={state} />
      <Divider
        names={names.value}
        set={(width) => {
          chosen.value = width;
          localStorage.setItem(NAMES_KEY, String(width));
        }}
      />
    </div>
  );
}

function storedNamesWidth(): number {
  const stored = Number(localStorage.getItem(NAMES_KEY));
  return stored >= 120 && stored <= 1200 ? stored : 400;
}

function Divider({ names, set }: { names: number; set: (width: number) => void }) {
  const from = useRef<number | null>(null);
  const clamp = (width: number) => Math.min(1200, Math.max(120, width));
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the names"
      aria-valuenow={Math.round(names)}
      aria-valuemin={120}
      aria-valuemax={1200}
      tabIndex={0}
      class={styles.divider}
      style={{ left: `${names - 4}px` }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = event.clientX - names;
      }}
      onPointerMove={(event) => {
        if (from.current !== null) set(clamp(event.clientX - from.current));
      }}
      onPointerUp={() => {
        from.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") set(clamp(names - 16));
        if (event.key === "ArrowRight") set(clamp(names + 16));
        if (event.key.startsWith("Arrow")) event.stopPropagation();
      }}
    />
  );
}
