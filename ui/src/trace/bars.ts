/** Drawing the bars of the waterfall's rows. */
import { isError } from "../api/trace.ts";
import { duration } from "../text/numbers.ts";
import { TICK_WIDTH } from "./axis.tsx";
import { ticks, type Window } from "./model.ts";
import { type Palette, palette } from "./paint.ts";
import { type Run, spanOfRow } from "./rows.ts";
import type { TraceState } from "./state.ts";

export const ROW_HEIGHT = 24;
export const FONT = "11px Inter, system-ui, sans-serif";

/** A place for bars: `width` by `height` pixels, the first row `offset` pixels above it. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly offset: number;
}

/** Draws the rows of a trace that are in a frame. Reads signals: who draws in an effect draws again when needed. */
export class Bars {
  private readonly colors: Palette = palette.value;
  private readonly window: Window;
  private readonly scale: number;

  constructor(
    private readonly state: TraceState,
    private readonly context: CanvasRenderingContext2D,
    private readonly frame: Frame,
  ) {
    this.window = state.zooming.window.value;
    this.scale = frame.width / (this.window.to - this.window.from);
  }

  paint(): void {
    const { context, state, colors } = this;
    const { width, height, offset } = this.frame;
    const { from, to } = this.window;
    const rows = state.rows.value;
    const [selected, hovered] = [state.selected.value, state.hovered.value];
    context.clearRect(0, 0, width, height);
    context.fillStyle = colors.border;
    for (const tick of ticks(from, to, width / TICK_WIDTH)) {
      context.fillRect(Math.round((tick - from) * this.scale), 0, 1, height);
    }
    context.font = FONT;
    context.textBaseline = "middle";
    const first = Math.max(0, Math.floor(offset / ROW_HEIGHT));
    const last = Math.min(rows.length, Math.ceil((offset + height) / ROW_HEIGHT));
    for (let index = first; index < last; index++) {
      const row = rows[index] ?? 0;
      const y = index * ROW_HEIGHT - offset;
      const position = spanOfRow(row);
      if ((position === selected || position === hovered) && !colors.isForced) {
        context.fillStyle = colors.accent;
        context.globalAlpha = position === selected ? 0.16 : 0.06;
        context.fillRect(0, y, width, ROW_HEIGHT);
        context.globalAlpha = 1;
      }
      if (position < state.skeleton.n) this.row(row, y);
    }
  }

  private row(row: number, y: number): void {
    const { runs, starts, skew } = this.state.model;
    const position = spanOfRow(row);
    const inFocus = this.state.inFocus.value;
    this.context.globalAlpha = inFocus && !inFocus[position] ? 0.25 : 1;
    this.context.fillStyle = this.colorOf(position);
    const run = row < 0 ? runs.get(position) : undefined;
    if (run) this.run(run, y);
    else {
      const offset = skew.get(position);
      const start = starts[position] ?? 0;
      if (offset) this.ghost(this.state.adjusted.value ? start - offset : start + offset, position, y);
      this.span(position, y);
    }
    this.context.globalAlpha = 1;
  }

  private colorOf(position: number): string {
    return this.colors.slots[this.state.coloring.value.slots[position] ?? 0] ?? this.colors.accent;
  }

  /** Equal siblings in one row. Those that share a pixel are drawn once. */
  private run(run: Run, y: number): void {
    const { starts, skeleton } = this.state.model;
    const { width: bars } = this.frame;
    const first = ((starts[run.first] ?? 0) - this.window.from) * this.scale;
    let drawnTo = Number.NEGATIVE_INFINITY;
    let right = 0;
    for (let i = run.first; i < run.end; i++) {
      const x = ((starts[i] ?? 0) - this.window.from) * this.scale;
      const end = x + Math.max(1, (skeleton.durations[i] ?? 0) * this.scale);
      right = Math.max(right, end);
      if (x >= bars || end <= 0 || end < drawnTo + 0.5) continue;
      this.context.fillStyle = this.colorOf(i);
      this.context.fillRect(Math.max(x, drawnTo), y + 8, end - Math.max(x, drawnTo), 8);
      drawnTo = end;
    }
    this.label(`${duration(run.total)} in total`, { x: first, right, y, isStriped: true });
  }

  /** Where a span would be with the other clock. */
  private ghost(start: number, position: number, y: number): void {
    const { context, scale } = this;
    const x = (start - this.window.from) * scale;
    const width = Math.max(2, (this.state.skeleton.durations[position] ?? 0) * scale);
    context.strokeStyle = this.colors.text3;
    context.lineWidth = 1;
    context.setLineDash([3, 2]);
    context.strokeRect(x + 0.5, y + 6.5, width, 11);
    context.setLineDash([]);
  }

  private span(position: number, y: number): void {
    const { context, scale, colors } = this;
    const { skeleton, starts, critical } = this.state.model;
    const { width: bars } = this.frame;
    const took = skeleton.durations[position] ?? 0;
    const x = ((starts[position] ?? 0) - this.window.from) * scale;
    const width = Math.max(1.5, took * scale);
    if (x < bars && x + width > 0) {
      const left = Math.max(x, -2);
      const right = Math.min(x + width, bars + 2);
      box(context, { x: left, y: y + 6, width: right - left, height: 12 }, 2);
      context.fill();
      if (isError(skeleton.flags[position] ?? 0)) {
        context.strokeStyle = colors.error;
        context.lineWidth = 1.5;
        box(context, { x: left - 1, y: y + 5, width: right - left + 2, height: 14 }, 3);
        context.stroke();
      }
      for (const section of critical.get(position) ?? []) {
        const a = (section.from - this.window.from) * scale;
        const length = Math.max(1, (section.to - section.from) * scale);
        if (a > bars || a + length < 0) continue;
        context.fillStyle = colors.canvas;
        context.fillRect(a, y + 17, length, 4);
        context.fillStyle = colors.text;
        context.fillRect(a, y + 18, length, 2);
      }
    }
    const events = skeleton.events[position] ?? 0;
    this.label(events > 0 ? `${duration(took)}  \u25c6 ${events}` : duration(took), {
      x,
      right: x + width,
      y,
    });
  }

  /** Right of the bar, or left of it where there is no room. */
  private label(
    text: string,
    { x, right, y, isStriped = false }: { x: number; right: number; y: number; isStriped?: boolean },
  ): void {
    const { context } = this;
    const { width: bars } = this.frame;
    // Faint bars keep a text that can be read.
    const isFaint = context.globalAlpha < 1;
    context.globalAlpha = isFaint ? 0.7 : 1;
    context.fillStyle = this.colors.text2;
    const width = widthOf(context, text);
    if (right + 6 + width <= bars) context.fillText(text, Math.max(right, 0) + 6, y + 12);
    else if (x - 6 - width >= 0) context.fillText(text, Math.min(x, bars) - 6 - width, y + 12);
    else {
      const left = Math.max(x, 0) + 6;
      if (isStriped) {
        context.strokeStyle = this.colors.canvas;
        context.lineWidth = 4;
        context.strokeText(text, left, y + 12);
      } else if (!isFaint) context.fillStyle = this.colors.canvas;
      context.fillText(text, left, y + 12);
    }
  }
}

/** Texts are measured once: most come again, and measuring takes longer than drawing. */
const widths = new Map<string, number>();
const WIDTHS_MAX = 10_000;

function widthOf(context: CanvasRenderingContext2D, text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  if (widths.size >= WIDTHS_MAX) widths.clear();
  const { width } = context.measureText(text);
  widths.set(text, width);
  return width;
}

function box(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  radius: number,
): void {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}
