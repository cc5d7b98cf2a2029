/** How many spans took how long, when. A drag over it narrows time and duration. */
import { effect, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { isMistake } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import { type Range, rangeQuery, type Series, stepFor } from "../api/metrics.ts";
import { place, setQuery } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { compact, duration } from "../text/numbers.ts";
import { axisClock, clock } from "../text/times.ts";
import { palette, sharp } from "../trace/paint.ts";
import { withCondition } from "../traceql.ts";
import { type Cells, cellsOf } from "./cells.ts";
import styles from "./heatmap.module.css";
import { HeatmapTable } from "./heatmap-table.tsx";
import { Picked } from "./picked.tsx";
import { type Box, boxOf, boxText } from "./selection.ts";

const HEIGHT = 168;
const LEFT = 56;
const BOTTOM = 20;
const COLUMNS = 90;

interface Answer {
  readonly cells: Cells;
  readonly errors: Cells;
}

/** A box in pixels. */
interface Frame {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export function Heatmap({ q, range }: { q: string; range: Range }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const drag = useSignal<Frame | null>(null);
  const hover = useSignal<{ x: number; y: number } | null>(null);
  const loader = useMemo(() => new Loader<Answer>(), []);
  useEffect(() => {
    void loader.ask(async (signal) => {
      const step = stepFor(range, COLUMNS);
      const failed = withCondition(q, "status = error");
      const [all, errors] = await Promise.all([
        rangeQuery(`${q} | histogram_over_time(duration)`, range, step, signal),
        // Only a plain filter can be narrowed to its errors.
        failed.includes(q.trim().slice(1, -1).trim())
          ? rangeQuery(`${failed} | histogram_over_time(duration)`, range, step, signal)
          : Promise.resolve<Series[]>([]),
      ]);
      return { cells: cellsOf(all), errors: cellsOf(errors) };
    });
  }, [loader, q, range]);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => {
      width.value = entry?.contentRect.width ?? 0;
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [width]);
  useEffect(
    () =>
      effect(() => {
        const { value } = loader.state.value;
        if (canvas.current && width.value > 0) paint(canvas.current, width.value, value);
      }),
    [loader, width],
  );
  const { value, error } = loader.state.value;
  if (error && (!value || isMistake(error))) return null;
  const at = (event: PointerEvent) => {
    const bounds = box.current?.getBoundingClientRect();
    return { x: event.clientX - (bounds?.left ?? 0), y: event.clientY - (bounds?.top ?? 0) };
  };
  const choose = ({ x0, y0, x1, y1 }: Frame) => {
    if (!value) return;
    // A click shows the traces of one cell.
    const isClick = Math.abs(x1 - x0) < 4 && Math.abs(y1 - y0) < 4;
    if (isClick && !tooltip(value, { x: x0, y: y0 }, width.value)) return;
    const grid = gridOf(value.cells, width.value);
    const [left, right] = [grid.column(Math.min(x0, x1)), grid.column(Math.max(x0, x1))];
    const [low, high] = [grid.row(Math.max(y0, y1)), grid.row(Math.min(y0, y1))];
    const { times, step, bounds } = value.cells;
    const isAny = low <= 0 && high >= bounds.length - 1;
    const box: Box = {
      from: (times[left] ?? 0) - step,
      to: times[right] ?? 0,
      above: isAny ? null : (bounds[low] ?? 0) / 2,
      upTo: isAny ? null : (bounds[high] ?? 0),
    };
    setQuery({ sel: boxText(box), only: isClick ? "1" : undefined, limit: undefined }, { replace: false });
  };
  const picked = boxOf(place.value.query.get("sel"));
  const frame = picked && value && width.value > 0 ? frameOf(picked, value.cells, width.value) : null;
  const hovered = value && hover.value ? tooltip(value, hover.value, width.value) : null;
  return (
    <>
      <div
        ref={box}
        class={styles.box}
        role="img"
        aria-label="Durations over time; drag to choose a time and durations, click for the traces of a cell"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const { x, y } = at(event);
          drag.value = { x0: x, y0: y, x1: x, y1: y };
        }}
        onPointerMove={(event) => {
          const { x, y } = at(event);
          hover.value = { x, y };
          if (drag.value) drag.value = { ...drag.value, x1: x, y1: y };
        }}
        onPointerLeave={() => {
          hover.value = null;
        }}
        onPointerUp={() => {
          const dragged = drag.value;
          drag.value = null;
          if (dragged) choose(dragged);
        }}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {drag.value && (
          <span
            class={styles.drag}
            style={{
              left: `${Math.min(drag.value.x0, drag.value.x1)}px`,
              top: `${Math.min(drag.value.y0, drag.value.y1)}px`,
              width: `${Math.abs(drag.value.x1 - drag.value.x0)}px`,
              height: `${Math.abs(drag.value.y1 - drag.value.y0)}px`,
            }}
          />
        )}
        {hovered && !drag.value && hover.value && (
          <span
            class={styles.tooltip}
            style={{
              left: `${Math.min(hover.value.x + 12, width.value - 210)}px`,
              top: `${hover.value.y + 12}px`,
            }}
          >
            {hovered}
          </span>
        )}
        {frame && !drag.value && (
          <span
            class={styles.picked}
            style={{
              left: `${frame.x0}px`,
              top: `${frame.y0}px`,
              width: `${frame.x1 - frame.x0}px`,
              height: `${frame.y1 - frame.y0}px`,
            }}
          />
        )}
        {value && value.cells.max === 0 && <span class={styles.empty}>No spans match in this time</span>}
      </div>
      {picked && <Picked q={q} box={picked} />}
      {value && value.cells.max > 0 && (
        <HeatmapTable cells={value.cells} errors={value.errors} range={range} />
      )}
    </>
  );
}

/** Where a box lies in the picture, within its edges. */
function frameOf({ from, to, above, upTo }: Box, cells: Cells, width: number): Frame | null {
  const { times, step, bounds } = cells;
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return null;
  const start = first - step;
  const x = (time: number) =>
    LEFT + (Math.min(last, Math.max(start, time)) - start) * ((width - LEFT) / (last - start));
  const bottom = HEIGHT - BOTTOM;
  const rowHeight = bottom / Math.max(1, bounds.length);
  const row = (bound: number) =>
    bottom - (bounds.findIndex((other) => other >= bound * 0.999) + 1) * rowHeight;
  const isHigher = upTo !== null && upTo > (bounds.at(-1) ?? 0);
  const y0 = upTo === null || isHigher ? 0 : row(upTo);
  const y1 = above === null || above * 2 <= (bounds[0] ?? 0) ? bottom : row(above);
  return x(to) > x(from) ? { x0: x(from), x1: x(to), y0, y1 } : null;
}

function gridOf({ times, bounds }: Cells, width: number) {
  const columnWidth = (width - LEFT) / Math.max(1, times.length);
  const rowHeight = (HEIGHT - BOTTOM) / Math.max(1, bounds.length);
  const clamp = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
  return {
    columnWidth,
    rowHeight,
    column: (x: number) => clamp(Math.floor((x - LEFT) / columnWidth), times.length),
    row: (y: number) => clamp(Math.floor((HEIGHT - BOTTOM - y) / rowHeight), bounds.length),
  };
}

function tooltip(
  { cells, errors }: Answer,
  { x, y }: { x: number; y: number },
  width: number,
): string | null {
  if (x < LEFT || y > HEIGHT - BOTTOM || cells.times.length === 0) return null;
  const grid = gridOf(cells, width);
  const [column, row] = [grid.column(x), grid.row(y)];
  const bound = cells.bounds[row] ?? 0;
  const time = cells.times[column] ?? 0;
  const count = cells.count(time, bound);
  const failed = errors.count(time, bound);
  const when = `${clock(time - cells.step, utc.value).slice(0, -4)}, ${duration(bound / 2)} to ${duration(bound)}`;
  return `${when}: ${compact(count)}${failed > 0 ? `, ${compact(failed)} failed` : ""}`;
}

function paint(canvas: HTMLCanvasElement, width: number, answer: Answer | null): void {
  const context = sharp(canvas, width, HEIGHT);
  if (!context) return;
  const { accent, error, text3, border } = palette.value;
  context.clearRect(0, 0, width, HEIGHT);
  if (!answer || answer.cells.times.length === 0) return;
  const { cells, errors } = answer;
  const { columnWidth, rowHeight } = gridOf(cells, width);
  context.font = "11px Inter, system-ui, sans-serif";
  cells.bounds.forEach((bound, row) => {
    const y = HEIGHT - BOTTOM - (row + 1) * rowHeight;
    cells.times.forEach((time, column) => {
      const count = cells.count(time, bound);
      if (count === 0) return;
      const x = LEFT + column * columnWidth;
      // Counts range over orders of magnitude; the root keeps the rare ones in sight.
      context.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / cells.max);
      context.fillStyle = accent;
      context.fillRect(x, y, Math.max(1, columnWidth - 1), Math.max(1, rowHeight - 1));
      const failed = errors.count(time, bound);
      if (failed > 0) {
        context.globalAlpha = 0.4 + 0.6 * Math.sqrt(failed / cells.max);
        context.fillStyle = error;
        context.fillRect(
          x,
          y + rowHeight - 1 - Math.max(2, (rowHeight - 1) * (failed / count)),
          Math.max(1, columnWidth - 1),
          Math.max(2, (rowHeight - 1) * (failed / count)),
        );
      }
    });
    context.globalAlpha = 1;
    context.fillStyle = text3;
    context.textAlign = "right";
    const every = Math.max(1, Math.ceil(14 / rowHeight));
    if (row % every === 0) context.fillText(duration(bound), LEFT - 6, Math.max(y + 4, 9));
  });
  context.fillStyle = border;
  context.fillRect(LEFT, HEIGHT - BOTTOM, width - LEFT, 1);
  context.fillStyle = text3;
  context.textAlign = "left";
  const labels = Math.max(1, Math.floor((width - LEFT) / 120));
  const every = Math.max(1, Math.ceil(cells.times.length / labels));
  cells.times.forEach((time, column) => {
    if (column % every === 0)
      context.fillText(axisClock(time - cells.step, utc.value), LEFT + column * columnWidth, HEIGHT - 6);
  });
}
