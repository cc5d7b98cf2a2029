/** The whole trace in small: a drag chooses the part that is shown, and moves the edges of that. */
import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Drag, dragged, useDrag, xIn } from "./drag.ts";
import styles from "./minimap.module.css";
import { palette, sharp } from "./paint.ts";
import type { TraceState } from "./state.ts";
import { useSize } from "./use-size.ts";

const HEIGHT = 56;
const MARGIN = 5;
const MARK = 4;
/** Pixels beside an edge that take it. */
const GRIP = 5;

export function Minimap({ state }: { state: TraceState }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const drag = useSignal<Drag | null>(null);
  useEffect(
    () =>
      effect(() => {
        const { width } = size.value;
        const context = canvas.current && width > 0 && sharp(canvas.current, width, HEIGHT);
        if (context) paint(context, width, state);
      }),
    [state],
  );
  const { width } = size.value;
  const whole = state.whole;
  const { from, to } = state.zooming.window.value;
  const scale = width / (whole.to - whole.from);
  const [left, right] = [(from - whole.from) * scale, (to - whole.from) * scale];
  const timeOf = (x: number) => whole.from + x / scale;
  const handlers = useDrag(drag, (a, b) => state.zooming.to({ from: timeOf(a), to: timeOf(b) }));
  return (
    <div
      ref={box}
      class={styles.box}
      role="img"
      aria-label="The whole trace; drag to zoom, double-click to show all"
      {...handlers}
      onPointerDown={(event) => {
        handlers.onPointerDown(event);
        // From near an edge, the other one stays where it is.
        const x = xIn(event);
        if (Math.abs(x - left) < GRIP && left > 0) drag.value = { from: right, to: x };
        else if (Math.abs(x - right) < GRIP && right < width) drag.value = { from: left, to: x };
      }}
      onDblClick={() => state.zooming.all()}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <span class={styles.outside} style={{ left: 0, width: `${left}px` }} />
      <span class={styles.outside} style={{ left: `${right}px`, right: 0 }} />
      {left > 0 && <span class={styles.edge} style={{ left: `${left - 2}px` }} />}
      {right < width - 1 && <span class={styles.edge} style={{ left: `${right - 2}px` }} />}
      {drag.value && <span class={styles.drag} style={dragged(drag.value)} />}
    </div>
  );
}

/** Every span is drawn; those that share a line and a pixel are drawn once. */
function paint(context: CanvasRenderingContext2D, width: number, state: TraceState): void {
  const { skeleton, starts } = state.model;
  const { n, durations } = skeleton;
  const colors = state.coloring.value.slots;
  const { slots, error, match, accent } = palette.value;
  const { from, to } = state.whole;
  const scale = width / (to - from);
  const lines = Math.min(n, Math.floor((HEIGHT - 2 * MARGIN) / 2));
  const step = Math.min(4, (HEIGHT - 2 * MARGIN) / lines);
  const height = Math.max(1, Math.min(3, step - 0.5));
  const cells = new Uint8Array(lines * width);
  for (let i = 0; i < n; i++) {
    const line = Math.floor((i / n) * lines) * width;
    const x = Math.min(width - 1, Math.max(0, Math.floor(((starts[i] ?? 0) - from) * scale)));
    const end = Math.min(
      width,
      Math.max(x + 1, Math.floor(((starts[i] ?? 0) + (durations[i] ?? 0) - from) * scale)),
    );
    cells.fill((colors[i] ?? 0) + 1, line + x, line + end);
  }
  context.clearRect(0, 0, width, HEIGHT);
  for (let line = 0; line < lines; line++) {
    for (let x = 0; x < width; ) {
      const color = cells[line * width + x] ?? 0;
      let end = x + 1;
      while (end < width && cells[line * width + end] === color) end++;
      if (color > 0) {
        context.fillStyle = slots[color - 1] ?? accent;
        context.fillRect(x, MARGIN + line * step, end - x, height);
      }
      x = end;
    }
  }
  const marks = (positions: readonly number[], color: string, y: number) => {
    context.fillStyle = color;
    const marked = new Set(positions.map((position) => Math.floor(((starts[position] ?? 0) - from) * scale)));
    for (const x of marked) context.fillRect(x, y, 2, MARK);
  };
  marks(state.model.errors, error, 0);
  marks(state.finder.matches.value?.positions ?? [], match, HEIGHT - MARK);
}
