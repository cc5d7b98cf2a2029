/** The whole trace in small: a drag chooses the part that is shown. */
import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isError } from "../api/trace.ts";
import styles from "./minimap.module.css";
import { palette, sharp } from "./paint.ts";
import type { TraceState } from "./state.ts";

const HEIGHT = 56;

export function Minimap({ state }: { state: TraceState }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const drag = useSignal<{ from: number; to: number } | null>(null);

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
        if (canvas.current && width.value > 0) paint(canvas.current, width.value, state);
      }),
    [state, width],
  );

  const { from, to } = state.zoom.value;
  const scale = width.value / state.whole.to;
  const at = (event: PointerEvent) => event.clientX - (box.current?.getBoundingClientRect().left ?? 0);
  return (
    <div
      ref={box}
      class={styles.box}
      role="img"
      aria-label="The whole trace; drag to zoom, double-click to show all"
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
        const [a, b] = [dragged.from / scale, dragged.to / scale];
        state.zoomTo({ from: Math.min(a, b), to: Math.max(a, b) });
      }}
      onDblClick={() => state.zoomAll()}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <span class={styles.outside} style={{ left: 0, width: `${from * scale}px` }} />
      <span class={styles.outside} style={{ left: `${to * scale}px`, right: 0 }} />
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
  );
}

function paint(canvas: HTMLCanvasElement, width: number, state: TraceState): void {
  const { skeleton, slots } = state.model;
  const { services, error, match } = palette.value;
  const matches = state.matches.value;
  const context = sharp(canvas, width, HEIGHT);
  if (!context) return;
  context.clearRect(0, 0, width, HEIGHT);
  const scale = width / state.whole.to;
  const height = Math.max(1, Math.min(3, (HEIGHT - 6) / skeleton.n));
  const step = (HEIGHT - 6 - height) / Math.max(1, skeleton.n - 1);
  const bar = (i: number, color: string) => {
    context.fillStyle = color;
    const y = 3 + Math.min(i * step, i * 4);
    context.fillRect(
      (skeleton.starts[i] ?? 0) * scale,
      y,
      Math.max(1, (skeleton.durations[i] ?? 0) * scale),
      height,
    );
  };
  // A long trace is drawn as densely as there are pixels to tell spans apart.
  const stride = Math.max(1, Math.floor(skeleton.n / (HEIGHT * 40)));
  for (let i = 0; i < skeleton.n; i += stride) {
    bar(i, services[slots[skeleton.serviceOf[i] ?? 0] ?? 0] ?? error);
  }
  for (let i = 0; i < skeleton.n; i++) if (isError(skeleton.flags[i] ?? 0)) bar(i, error);
  for (const position of matches ?? []) {
    context.fillStyle = match;
    context.fillRect((skeleton.starts[position] ?? 0) * scale, HEIGHT - 4, 2, 4);
  }
}
