/** What a chart looks like on its canvas: grid, areas, lines, marks. Times and values go to pixels here alone. */
import { palette, sharp } from "../trace/paint.ts";
import type { Mark } from "./deploys.ts";
import { decades, highest, lowest, stacked, timeTicks, valueTicks } from "./scale.ts";

/** A series as it is drawn. `color` is the name of a token, such as `accent` or `service-3`. */
export interface Line {
  readonly name: string;
  readonly color: string;
  /** One per time of the chart. */
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
}

/** What the canvas shows. */
export interface Picture {
  /** Ends of the intervals, milliseconds, ascending. */
  readonly times: readonly number[];
  readonly stepMillis: number;
  readonly from: number;
  readonly to: number;
  readonly lines: readonly Line[];
  readonly form: "line" | "area" | "stack";
  /** Durations range over orders of magnitude: with `log` each of them has the same height. */
  readonly scale: "linear" | "log";
  /** The axis reaches at least to this value. */
  readonly atLeast: number;
  readonly marks: readonly Mark[];
  readonly text: (value: number) => string;
  /** The label of a time on the axis. */
  readonly clock: (millis: number) => string;
  /** Milliseconds that the clock is ahead of UTC. */
  readonly offset: number;
}

const LEFT = 52;
const RIGHT = 10;
/** Half of a link at the highest value, which is not to lie over what stands above. */
const TOP = 12;
const BOTTOM = 18;
const FONT = "11px Inter, system-ui, sans-serif";
const LABEL_WIDTH = 84;

/** Places of a chart of this size. */
export function frame(picture: Picture, width: number, height: number) {
  const { from, to, lines, form } = picture;
  const inner = { width: Math.max(1, width - LEFT - RIGHT), height: Math.max(1, height - TOP - BOTTOM) };
  const drawn =
    form === "stack" ? stacked(lines.map(({ values }) => values)) : lines.map(({ values }) => values);
  const isLog = picture.scale === "log";
  const max = Math.max(picture.atLeast, highest(drawn));
  const ticks = isLog
    ? decades(lowest(drawn), max)
    : valueTicks(max, Math.max(2, Math.floor(inner.height / 36)));
  const [bottom, top] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const share = (value: number) =>
    isLog ? Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom) : value / top;
  return {
    drawn,
    ticks,
    inner,
    left: LEFT,
    top: TOP,
    x: (time: number) => LEFT + ((time - from) / Math.max(1, to - from)) * inner.width,
    y: (value: number) => TOP + inner.height * (1 - share(value)),
    time: (x: number) => from + ((x - LEFT) / inner.width) * (to - from),
  };
}

/** The middle of an interval, where its value stands. */
export const middle = (end: number, stepMillis: number) => end - stepMillis / 2;

export function colorOf(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
}

export function paint(canvas: HTMLCanvasElement, picture: Picture, width: number, height: number): void {
  const context = sharp(canvas, width, height);
  if (!context) return;
  context.clearRect(0, 0, width, height);
  const places = frame(picture, width, height);
  axes(context, picture, places);
  context.save();
  context.beginPath();
  context.rect(places.left, 0, places.inner.width, height);
  context.clip();
  picture.lines.forEach((line, i) => {
    if (picture.form !== "line") area(context, picture, places, i);
    stroke(context, picture, places, i, line);
  });
  context.restore();
  for (const { time } of picture.marks) {
    context.strokeStyle = palette.value.text3;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    const x = Math.round(places.x(time)) + 0.5;
    context.beginPath();
    context.moveTo(x, TOP);
    context.lineTo(x, TOP + places.inner.height);
    context.stroke();
    context.setLineDash([]);
  }
}

type Places = ReturnType<typeof frame>;

function axes(context: CanvasRenderingContext2D, picture: Picture, places: Places): void {
  const { border, text3 } = palette.value;
  context.font = FONT;
  context.fillStyle = text3;
  context.strokeStyle = border;
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of places.ticks) {
    const y = Math.round(places.y(tick)) + 0.5;
    context.globalAlpha = tick === places.ticks[0] ? 1 : 0.5;
    context.beginPath();
    context.moveTo(LEFT, y);
    context.lineTo(LEFT + places.inner.width, y);
    context.stroke();
    context.globalAlpha = 1;
    context.fillText(picture.text(tick), LEFT - 8, y);
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const most = Math.max(2, Math.floor(places.inner.width / LABEL_WIDTH));
  for (const tick of timeTicks(picture.from, picture.to, most, picture.offset)) {
    const x = places.x(tick);
    if (x < LEFT + 14 || x > LEFT + places.inner.width - 14) continue;
    context.fillText(picture.clock(tick), x, TOP + places.inner.height + 14);
  }
}

/** Runs of values without a gap, as positions from and to. */
function runs(values: readonly (number | null)[]): [number, number][] {
  const found: [number, number][] = [];
  let start = -1;
  for (let i = 0; i <= values.length; i++) {
    const value = values[i];
    const present = value !== null && value !== undefined && Number.isFinite(value);
    if (present && start < 0) start = i;
    if (!present && start >= 0) {
      found.push([start, i - 1]);
      start = -1;
    }
  }
  return found;
}

function trace(
  context: CanvasRenderingContext2D,
  picture: Picture,
  places: Places,
  values: readonly (number | null)[],
  [first, last]: [number, number],
): void {
  for (let i = first; i <= last; i++) {
    const x = places.x(middle(picture.times[i] ?? 0, picture.stepMillis));
    context.lineTo(x, places.y(values[i] ?? 0));
  }
}

function area(context: CanvasRenderingContext2D, picture: Picture, places: Places, i: number): void {
  const values = places.drawn[i] ?? [];
  const below = picture.form === "stack" ? places.drawn[i - 1] : undefined;
  context.fillStyle = colorOf(picture.lines[i]?.color ?? "accent");
  context.globalAlpha = picture.form === "stack" ? 0.5 : 0.16;
  for (const run of runs(values)) {
    context.beginPath();
    trace(context, picture, places, values, run);
    for (let at = run[1]; at >= run[0]; at--) {
      const x = places.x(middle(picture.times[at] ?? 0, picture.stepMillis));
      context.lineTo(x, places.y(below?.[at] ?? 0));
    }
    context.fill();
  }
  context.globalAlpha = 1;
}

function stroke(
  context: CanvasRenderingContext2D,
  picture: Picture,
  places: Places,
  i: number,
  { color, dashed }: Line,
): void {
  const values = places.drawn[i] ?? [];
  context.strokeStyle = colorOf(color);
  context.fillStyle = context.strokeStyle;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.setLineDash(dashed ? [4, 3] : []);
  for (const run of runs(values)) {
    if (run[0] === run[1]) {
      const x = places.x(middle(picture.times[run[0]] ?? 0, picture.stepMillis));
      context.fillRect(x - 1.5, places.y(values[run[0]] ?? 0) - 1.5, 3, 3);
      continue;
    }
    context.beginPath();
    trace(context, picture, places, values, run);
    context.stroke();
  }
  context.setLineDash([]);
}
