/**
 * Draws boxes. Those that are too narrow to tell apart are one faint block, found by bisection: the cost depends
 * on the pixels, not on how many boxes there are.
 */
import { type Boxes, firstAfter, rowCount } from "./boxes.ts";

export const BOX_HEIGHT = 20;
/** Narrower boxes are drawn together. */
const WIDTH_MIN = 0.5;
/** Narrower boxes have no text. */
const TEXT_WIDTH_MIN = 24;
const PADDING = 5;

/** What boxes look like. */
export interface Look {
  readonly colorOf: (id: number) => string;
  readonly labelOf: (id: number) => string;
  /** Boxes before each that stand out with a frame, see `countsBefore`. */
  readonly framedBefore: Uint32Array;
  /** Boxes before each that are in full color; `null` for all. */
  readonly fullBefore: Uint32Array | null;
  readonly frame: string;
  readonly text: string;
  readonly canvas: string;
}

/** The part that is seen. */
export interface View {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly height: number;
  /** Pixels that the first row is above. */
  readonly offset: number;
}

export class BoxPainter {
  private readonly scale: number;

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly boxes: Boxes,
    private readonly view: View,
    private readonly look: Look,
  ) {
    this.scale = view.width / (view.to - view.from);
  }

  paint(): void {
    const { context, view } = this;
    context.clearRect(0, 0, view.width, view.height);
    context.font = "11px Inter, system-ui, sans-serif";
    context.textBaseline = "middle";
    const first = Math.max(0, Math.floor(view.offset / BOX_HEIGHT));
    const last = Math.min(rowCount(this.boxes), Math.ceil((view.offset + view.height) / BOX_HEIGHT));
    for (let row = first; row < last; row++) this.row(row, row * BOX_HEIGHT - view.offset);
    context.globalAlpha = 1;
  }

  private row(row: number, y: number): void {
    const { boxes, view, scale } = this;
    const end = boxes.rowStarts[row + 1] ?? 0;
    let index = firstAfter(boxes, row, view.from);
    while (index < end && (boxes.from[index] ?? 0) < view.to) {
      const width = ((boxes.to[index] ?? 0) - (boxes.from[index] ?? 0)) * scale;
      if (width >= WIDTH_MIN) {
        this.box(index, y);
        index++;
      } else index = this.block(row, index, y);
    }
  }

  private box(index: number, y: number): void {
    const { context, boxes, view, scale, look } = this;
    const id = boxes.ids[index] ?? 0;
    const left = Math.max(-2, ((boxes.from[index] ?? 0) - view.from) * scale);
    const right = Math.min(view.width + 2, ((boxes.to[index] ?? 0) - view.from) * scale);
    const width = Math.max(1, right - left - (right - left > 3 ? 1 : 0));
    const isFramed = (look.framedBefore[index + 1] ?? 0) > (look.framedBefore[index] ?? 0);
    context.globalAlpha = this.isFull(index, index + 1) ? 1 : 0.22;
    context.fillStyle = look.colorOf(id);
    context.fillRect(left, y + 1, width, BOX_HEIGHT - 2);
    if (isFramed) {
      context.strokeStyle = look.frame;
      context.lineWidth = 2;
      context.strokeRect(left + 1, y + 2, Math.max(0.5, width - 2), BOX_HEIGHT - 4);
    }
    if (width < TEXT_WIDTH_MIN) return;
    const start = Math.max(0, left) + PADDING;
    const text = fitted(context, look.labelOf(id), Math.min(view.width, left + width) - start - PADDING);
    if (text === "") return;
    context.fillStyle = look.text;
    context.fillText(text, start, y + BOX_HEIGHT / 2 + 0.5);
  }

  /** Boxes from `index` on that share a pixel; returns the one after them. */
  private block(row: number, index: number, y: number): number {
    const { context, boxes, view, scale, look } = this;
    const end = boxes.rowStarts[row + 1] ?? 0;
    const x = ((boxes.from[index] ?? 0) - view.from) * scale;
    let next = firstAfter(boxes, row, view.from + (x + 1) / scale, index + 1);
    // The last of the pixel may reach out of it: then it is a box of its own.
    if (next < end && ((boxes.from[next] ?? 0) - view.from) * scale < x + 1) {
      const width = ((boxes.to[next] ?? 0) - (boxes.from[next] ?? 0)) * scale;
      if (width < WIDTH_MIN) next++;
    }
    const isFramed = (look.framedBefore[next] ?? 0) > (look.framedBefore[index] ?? 0);
    context.globalAlpha = this.isFull(index, next) ? 0.6 : 0.15;
    context.fillStyle = isFramed ? look.frame : look.colorOf(boxes.ids[index] ?? 0);
    context.fillRect(x, y + 1, 1, BOX_HEIGHT - 2);
    return next;
  }

  private isFull(from: number, to: number): boolean {
    const counts = this.look.fullBefore;
    return !counts || (counts[to] ?? 0) > (counts[from] ?? 0);
  }
}

/** As much of a text as has room, with an ellipsis. */
export function fitted(
  context: Pick<CanvasRenderingContext2D, "measureText">,
  text: string,
  width: number,
): string {
  if (width <= 0) return "";
  if (context.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}\u2026`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low < 2 ? "" : `${text.slice(0, low)}\u2026`;
}
