/**
 * The waterfall: rows of text in the document, bars on one canvas beneath them. Only what is in sight exists, so
 * that a hundred thousand spans cost as much as fifty.
 */
import { effect, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { isError } from "../api/trace.ts";
import { duration } from "../text/numbers.ts";
import { spanOfRow, ticks } from "./model.ts";
import { palette, sharp } from "./paint.ts";
import type { TraceState } from "./state.ts";
import styles from "./waterfall.module.css";

export const ROW_HEIGHT = 24;
/** Rows beside those in sight. */
const MARGIN_ROWS = 10;
/** Browsers cap the height of elements; above it the scroll position is a share. */
const SCROLL_HEIGHT_MAX = 12_000_000;
const INDENT = 12;

export function Waterfall({ state }: { state: TraceState }) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const top = useSignal(0);
  const size = useSignal({ width: 0, height: 0 });
  const chosen = useSignal(storedNamesWidth());
  // On a narrow screen the bars keep more than half.
  const names = useComputed(() =>
    size.value.width < 900 ? Math.min(chosen.value, size.value.width * 0.45) : chosen.value,
  );

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      size.value = { width: element.clientWidth, height: element.clientHeight };
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [size]);

  const view = useMemo(() => new View(state), [state]);

  // Bars follow the scroll position, the zoom, what is hovered and the theme without rendering the tree again.
  useEffect(
    () =>
      effect(() => {
        const { width, height } = size.value;
        if (canvas.current && width > 0)
          view.paint(canvas.current, { width, height, names: names.value, top: top.value });
      }),
    [view, size, names, top],
  );

  useSignalEffect(() => {
    const selected = state.selected.value;
    const index = selected === null ? -1 : state.rowIndex(selected);
    const element = scroller.current;
    if (index < 0 || !element) return;
    const [from, to] = [index * ROW_HEIGHT, (index + 1) * ROW_HEIGHT];
    const visible = element.clientHeight;
    const at = view.offsetOf(element.scrollTop, visible);
    if (from < at || to > at + visible) element.scrollTop = view.scrollTopOf(from - visible / 2, visible);
  });

  const rows = state.rows.value;
  const visible = size.value.height;
  const offset = view.offsetOf(top.value, visible);
  const first = Math.max(0, Math.floor(offset / ROW_HEIGHT) - MARGIN_ROWS);
  const last = Math.min(rows.length, Math.ceil((offset + visible) / ROW_HEIGHT) + MARGIN_ROWS);
  const shown = Array.from(rows.subarray(first, last), (row, i) => ({ row, index: first + i }));
  const shift = top.value - offset;

  return (
    <div class={styles.frame}>
      <Axis state={state} names={names.value} width={size.value.width} />
      <canvas ref={canvas} class={styles.bars} aria-hidden="true" />
      <div
        ref={scroller}
        class={styles.scroller}
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
        }}
        onWheel={(event) => {
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
          state.zoomAround(view.timeAt(x, size.value.width, names.value), event.deltaY > 0 ? 1.25 : 0.8);
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
          style={{ height: `${Math.min(rows.length * ROW_HEIGHT, SCROLL_HEIGHT_MAX)}px` }}
        >
          {shown.map(({ row, index }) => (
            <Row
              key={row}
              state={state}
              row={row}
              index={index}
              y={index * ROW_HEIGHT + shift}
              names={names.value}
            />
          ))}
        </div>
      </div>
      <Divider
        names={names.value}
        set={(width) => {
          chosen.value = width;
          localStorage.setItem("trace-names-width", String(width));
        }}
      />
    </div>
  );
}

function storedNamesWidth(): number {
  const stored = Number(localStorage.getItem("trace-names-width"));
  return stored >= 120 && stored <= 1200 ? stored : 380;
}

function Row({
  state,
  row,
  index,
  y,
  names,
}: {
  state: TraceState;
  row: number;
  index: number;
  y: number;
  names: number;
}) {
  const { skeleton, depths, subtreeEnds, runs, slots } = state.model;
  const position = spanOfRow(row);
  const run = row < 0 ? runs.get(position) : undefined;
  const service = skeleton.services[skeleton.serviceOf[position] ?? 0] ?? "";
  const name = skeleton.names[skeleton.nameOf[position] ?? 0] ?? "";
  const level = (depths[position] ?? 0) - (state.root.value === null ? 0 : (depths[state.root.value] ?? 0));
  const below = (subtreeEnds[position] ?? 0) - position - 1;
  const isOpen = run ? false : !state.collapsed.value.has(position);
  const failed = isError(skeleton.flags[position] ?? 0);
  const isMatch = state.matchSet.value?.has(position);
  const isSelected = state.selected.value === position;
  const took = run ? run.total : (skeleton.durations[position] ?? 0);
  const label = `${service} ${name}, ${duration(took)}${failed ? ", error" : ""}`;
  const tabStop = isSelected || (state.selected.value === null && index === 0);
  return (
    <div
      role="row"
      id={`row-${position}`}
      aria-level={level + 1}
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      aria-expanded={below > 0 || run ? isOpen : undefined}
      aria-label={label}
      tabIndex={tabStop ? 0 : -1}
      class={styles.row}
      data-match={isMatch === undefined ? undefined : isMatch ? "yes" : "no"}
      style={{ transform: `translateY(${y}px)` }}
      onClick={() => {
        if (run) state.toggle(row);
        else state.select(position);
      }}
      onMouseEnter={() => {
        state.hovered.value = position;
      }}
    >
      <span
        role="gridcell"
        class={styles.name}
        style={{ width: `${names}px`, paddingLeft: `${8 + level * INDENT}px` }}
        title={label}
      >
        {below > 0 || run ? (
          <button
            type="button"
            tabIndex={-1}
            class={styles.toggle}
            aria-label={isOpen ? "Collapse" : "Expand"}
            onClick={(event) => {
              event.stopPropagation();
              state.toggle(row);
            }}
          >
            {isOpen ? "▾" : "▸"}
          </button>
        ) : (
          <span class={styles.toggle} />
        )}
        <span
          class="swatch"
          style={{ background: `var(--service-${slots[skeleton.serviceOf[position] ?? 0]})` }}
        />
        {run && <b class={styles.times}>×{run.end - run.first}</b>}
        <span class={styles.service}>{service}</span> <span class={styles.operation}>{name}</span>
        {!isOpen && below > 0 && <span class={styles.count}>{below.toLocaleString("en")}</span>}
        {failed && <Failed />}
      </span>
    </div>
  );
}

function Failed() {
  return (
    <span class={styles.failed} role="img" aria-label="error">
      !
    </span>
  );
}

/** The times above the bars; a drag over them zooms. */
function Axis({ state, names, width }: { state: TraceState; names: number; width: number }) {
  const drag = useSignal<{ from: number; to: number } | null>(null);
  const { from, to } = state.zoom.value;
  const bars = Math.max(1, width - names);
  const xOf = (time: number) => ((time - from) / (to - from)) * bars;
  const timeOf = (x: number) => from + (x / bars) * (to - from);
  const at = (event: PointerEvent) =>
    event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
  return (
    <div class={styles.axis}>
      <div class={styles.axisNames} style={{ width: `${names}px` }}>
        Service and operation
      </div>
      <div
        class={styles.axisTimes}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.value = { from: at(event), to: at(event) };
        }}
        onPointerMove={(event) => {
          if (drag.value) drag.value = { ...drag.value, to: at(event) };
        }}
        onPointerUp={() => {
          const dragged = drag.value;
          drag.value = null;
          if (!dragged || Math.abs(dragged.to - dragged.from) < 4) return;
          const [a, b] = [timeOf(dragged.from), timeOf(dragged.to)];
          state.zoomTo({ from: Math.min(a, b), to: Math.max(a, b) });
        }}
        onDblClick={() => state.zoomAll()}
      >
        {ticks(from, to, bars / 110).map((tick) => (
          <span key={tick} class={styles.tick} style={{ left: `${xOf(tick)}px` }}>
            {duration(tick)}
          </span>
        ))}
        {drag.value && (
          <span
            class={styles.drag}
            style={{
              left: `${Math.min(drag.value.from, drag.value.to)}px`,
              width: `${Math.abs(drag.value.to - drag.value.from)}px`,
            }}
          />
        )}
      </div>
    </div>
  );
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
      style={{ left: `${names - 3}px` }}
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

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly names: number;
  readonly top: number;
}

/** Draws the bars in sight. */
class View {
  constructor(private readonly state: TraceState) {}

  /** How far down the rows are for a scroll position: the same, unless the rows are taller than browsers allow. */
  offsetOf(top: number, visible: number): number {
    const height = this.state.rows.value.length * ROW_HEIGHT;
    if (height <= SCROLL_HEIGHT_MAX) return top;
    return (top / Math.max(1, SCROLL_HEIGHT_MAX - visible)) * (height - visible);
  }

  scrollTopOf(offset: number, visible: number): number {
    const height = this.state.rows.peek().length * ROW_HEIGHT;
    if (height <= SCROLL_HEIGHT_MAX) return offset;
    return (offset / (height - visible)) * (SCROLL_HEIGHT_MAX - visible);
  }

  timeAt(x: number, width: number, names: number): number {
    const { from, to } = this.state.zoom.peek();
    return from + (Math.max(0, x - names) / Math.max(1, width - names)) * (to - from);
  }

  paint(canvas: HTMLCanvasElement, { width, height, names, top }: Frame): void {
    const bars = Math.max(1, width - names);
    const visible = height;
    const context = sharp(canvas, bars, visible);
    if (!context) return;
    canvas.style.left = `${names}px`;
    const colors = palette.value;
    const { from, to } = this.state.zoom.value;
    const rows = this.state.rows.value;
    const selected = this.state.selected.value;
    const hovered = this.state.hovered.value;
    const offset = this.offsetOf(top, visible);
    context.clearRect(0, 0, bars, visible);
    context.fillStyle = colors.border;
    for (const tick of ticks(from, to, bars / 110)) {
      context.fillRect(Math.round(((tick - from) / (to - from)) * bars), 0, 1, visible);
    }
    context.font = "11px Inter, system-ui, sans-serif";
    context.textBaseline = "middle";
    const first = Math.max(0, Math.floor(offset / ROW_HEIGHT));
    const last = Math.min(rows.length, Math.ceil((offset + visible) / ROW_HEIGHT));
    for (let index = first; index < last; index++) {
      const row = rows[index] ?? 0;
      const y = index * ROW_HEIGHT - offset;
      const position = spanOfRow(row);
      if (position === selected || position === hovered) {
        context.fillStyle = colors.accent;
        context.globalAlpha = position === selected ? 0.16 : 0.06;
        context.fillRect(0, y, bars, ROW_HEIGHT);
        context.globalAlpha = 1;
      }
      this.paintRow(context, row, y, bars);
    }
  }

  private paintRow(context: CanvasRenderingContext2D, row: number, y: number, bars: number): void {
    const { skeleton, slots, runs, critical } = this.state.model;
    const { from, to } = this.state.zoom.value;
    const colors = palette.value;
    const position = spanOfRow(row);
    const scale = bars / (to - from);
    const matches = this.state.matchSet.value;
    const isApart =
      (matches && !matches.has(position)) || (this.state.criticalOnly.value && !critical.has(position));
    const color = colors.services[slots[skeleton.serviceOf[position] ?? 0] ?? 0] ?? colors.accent;
    context.globalAlpha = isApart ? 0.25 : 1;
    context.fillStyle = color;
    const run = row < 0 ? runs.get(position) : undefined;
    if (run) {
      for (let i = run.first; i < run.end; i++) {
        const x = ((skeleton.starts[i] ?? 0) - from) * scale;
        const width = Math.max(1, (skeleton.durations[i] ?? 0) * scale);
        if (x < bars && x + width > 0) context.fillRect(x, y + 8, width, 8);
      }
      const end = run.end - 1;
      const right = ((skeleton.starts[end] ?? 0) + (skeleton.durations[end] ?? 0) - from) * scale;
      this.paintLabel(context, `${duration(run.total)} in total`, { x: 0, right, y, bars });
      context.globalAlpha = 1;
      return;
    }
    const start = skeleton.starts[position] ?? 0;
    const took = skeleton.durations[position] ?? 0;
    const x = (start - from) * scale;
    const width = Math.max(1.5, took * scale);
    if (x < bars && x + width > 0) {
      const left = Math.max(x, -2);
      const right = Math.min(x + width, bars + 2);
      context.beginPath();
      context.roundRect(left, y + 6, right - left, 12, 2);
      context.fill();
      if (isError(skeleton.flags[position] ?? 0)) {
        context.strokeStyle = colors.error;
        context.lineWidth = 1.5;
        context.beginPath();
        context.roundRect(left - 1, y + 5, right - left + 2, 14, 3);
        context.stroke();
      }
      for (const section of critical.get(position) ?? []) {
        const [a, b] = [(section.from - from) * scale, (section.to - from) * scale];
        context.fillStyle = colors.canvas;
        context.fillRect(a, y + 14, Math.max(1, b - a), 4);
        context.fillStyle = colors.text;
        context.fillRect(a, y + 15, Math.max(1, b - a), 2);
      }
    }
    this.paintLabel(context, duration(took), { x, right: x + width, y, bars });
    context.globalAlpha = 1;
  }

  /** Right of the bar, or left of it where there is no room. */
  private paintLabel(
    context: CanvasRenderingContext2D,
    text: string,
    { x, right, y, bars }: { x: number; right: number; y: number; bars: number },
  ): void {
    context.fillStyle = palette.value.text2;
    const width = context.measureText(text).width;
    if (right + 6 + width <= bars) context.fillText(text, Math.max(right, 0) + 6, y + 12);
    else if (x - 6 - width >= 0) context.fillText(text, Math.min(x, bars) - 6 - width, y + 12);
    else {
      context.fillStyle = palette.value.canvas;
      context.fillText(text, Math.max(x, 0) + 6, y + 12);
    }
  }
}
