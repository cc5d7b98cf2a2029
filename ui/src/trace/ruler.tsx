/** Beside the scrollbar: where in all the rows the errors and the matches are. */
import { effect, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { palette, sharp } from "./paint.ts";
import type { TraceState } from "./state.ts";
import { useSize } from "./use-size.ts";
import styles from "./waterfall.module.css";

const WIDTH = 8;
/** Pixels of a mark. */
const MARK = 2;

export function Ruler({ state }: { state: TraceState }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(box);
  useEffect(
    () =>
      effect(() => {
        if (canvas.current && size.value.height > 0) paint(canvas.current, size.value.height, state);
      }),
    [state],
  );
  const line = useRef<HTMLSpanElement>(null);
  useSignalEffect(() => {
    const selected = state.selected.value;
    const index = selected === null ? -1 : state.rowIndex(selected);
    if (!line.current) return;
    line.current.hidden = index < 0;
    line.current.style.top = `${((index + 0.5) / Math.max(1, state.rows.value.length)) * 100}%`;
  });
  return (
    <div ref={box} class={styles.ruler} aria-hidden="true">
      <canvas ref={canvas} />
      <span ref={line} class={styles.here} hidden />
    </div>
  );
}

function paint(canvas: HTMLCanvasElement, height: number, state: TraceState): void {
  const context = sharp(canvas, WIDTH, height);
  if (!context) return;
  context.clearRect(0, 0, WIDTH, height);
  const count = Math.max(1, state.rows.value.length);
  // The more there are at a place, the stronger the mark.
  const marks = (positions: readonly number[], x: number) => {
    const at = new Uint32Array(Math.ceil(height / MARK) + 1);
    for (const position of positions) {
      const index = state.rowIndex(position);
      const mark = Math.floor(((index / count) * height) / MARK);
      if (index >= 0) at[mark] = (at[mark] ?? 0) + 1;
    }
    const most = at.reduce((a, b) => Math.max(a, b), 1);
    at.forEach((found, mark) => {
      context.globalAlpha = 0.3 + (0.7 * found) / most;
      if (found > 0) context.fillRect(x, mark * MARK, WIDTH / 2 - 1, MARK);
    });
    context.globalAlpha = 1;
  };
  context.fillStyle = palette.value.error;
  marks(state.model.errors, 1);
  context.fillStyle = palette.value.match;
  marks(state.finder.matches.value?.positions ?? [], WIDTH / 2);
}
