/** The waterfall as a picture: the rows as they are open, in the part of the time that is shown. */

import { fitted } from "../flame/paint.ts";
import { duration } from "../text/numbers.ts";
import { Bars, FONT, ROW_HEIGHT } from "./bars.ts";
import { ticks } from "./model.ts";
import { palette } from "./paint.ts";
import { indentOf } from "./row.tsx";
import { spanOfRow } from "./rows.ts";
import type { TraceState } from "./state.ts";

const WIDTH = 1600;
const NAMES = 420;
const AXIS = 64;
/** Canvases cannot be higher than some 32,000 pixels, at two a pixel. */
export const PICTURE_ROWS_MAX = 600;
const SCALE = 2;

export function picture(state: TraceState): Promise<Blob | null> {
  const rows = state.rows.peek().slice(0, PICTURE_ROWS_MAX);
  const height = AXIS + rows.length * ROW_HEIGHT + 8;
  const whole = canvasOf(WIDTH, height);
  const bars = canvasOf(WIDTH - NAMES, rows.length * ROW_HEIGHT);
  const [context, beside] = [whole.getContext("2d"), bars.getContext("2d")];
  if (!context || !beside) return Promise.resolve(null);
  context.scale(SCALE, SCALE);
  beside.scale(SCALE, SCALE);
  const colors = palette.peek();
  context.fillStyle = colors.canvas;
  context.fillRect(0, 0, WIDTH, height);
  heading(context, state);
  new Bars(state, beside, { width: WIDTH - NAMES, height: rows.length * ROW_HEIGHT, offset: 0 }).paint();
  context.drawImage(bars, NAMES, AXIS, WIDTH - NAMES, rows.length * ROW_HEIGHT);
  names(context, state, rows);
  return new Promise((done) => whole.toBlob(done, "image/png"));
}

function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  return canvas;
}

function heading(context: CanvasRenderingContext2D, state: TraceState): void {
  const colors = palette.peek();
  const { duration: took, skeleton } = state.model;
  context.textBaseline = "middle";
  context.fillStyle = colors.text;
  context.font = "600 14px Inter, system-ui, sans-serif";
  context.fillText(
    `${state.service(0)} ${state.operation(0)}  ${duration(took)}  ${skeleton.traceId}`,
    12,
    18,
  );
  context.font = FONT;
  context.fillStyle = colors.text3;
  const { from, to } = state.zooming.window.peek();
  for (const tick of ticks(from, to, (WIDTH - NAMES) / 110)) {
    context.fillText(duration(tick), NAMES + ((tick - from) / (to - from)) * (WIDTH - NAMES) + 4, AXIS - 12);
  }
}

function names(context: CanvasRenderingContext2D, state: TraceState, rows: Int32Array): void {
  const colors = palette.peek();
  const { depths, depthMax, skeleton, runs } = state.model;
  const indent = indentOf(depthMax, NAMES);
  const top = state.root.peek();
  rows.forEach((row, index) => {
    const position = spanOfRow(row);
    const y = AXIS + index * ROW_HEIGHT + ROW_HEIGHT / 2;
    if (position >= skeleton.n) {
      context.fillStyle = colors.text2;
      context.fillText("Parent not received", 12, y);
      return;
    }
    const x = 12 + ((depths[position] ?? 0) - (top === null ? 0 : (depths[top] ?? 0))) * indent;
    context.fillStyle = colors.slots[state.coloring.peek().slots[position] ?? 0] ?? colors.accent;
    context.fillRect(x, y - 7, 4, 14);
    const run = row < 0 ? runs.get(position) : undefined;
    const times = run ? `\u00d7${run.end - run.first} ` : "";
    context.fillStyle = colors.text;
    const text = `${times}${state.service(position)}  ${state.operation(position)}`;
    context.fillText(fitted(context, text, NAMES - x - 20), x + 10, y);
  });
}
