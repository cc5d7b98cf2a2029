import { expect, test } from "vitest";
import { type Boxes, boxesOf, countsBefore, firstAfter, idAt, rowCount } from "../src/flame/boxes.ts";
import { BoxPainter, fitted } from "../src/flame/paint.ts";
import { stacked } from "../src/flame/stack.ts";
import { neighbor } from "../src/flame/walk.ts";

/** A tree of `[parent, from, to]`. */
function tree(nodes: readonly (readonly [number, number, number])[]) {
  return {
    n: nodes.length,
    parents: Int32Array.from(nodes, ([parent]) => parent),
    from: Float64Array.from(nodes, ([, from]) => from),
    to: Float64Array.from(nodes, ([, , to]) => to),
    order: null,
  };
}

const PARALLEL = tree([
  [-1, 0, 100],
  [0, 10, 60],
  [1, 20, 30],
  [0, 40, 90],
  [0, 95, 99],
]);

test("what is called runs below; what overlaps with its siblings is below all of theirs", () => {
  expect([...stacked(PARALLEL)]).toEqual([0, 1, 2, 3, 1]);
});

test("a child that outlives its parent keeps its place free", () => {
  const late = tree([
    [-1, 0, 10],
    [0, 5, 50],
    [-1, 20, 30],
  ]);
  expect([...stacked(late)]).toEqual([0, 1, 2]);
});

test("siblings that are not in order are put in order", () => {
  const moved = {
    ...tree([
      [-1, 0, 100],
      [0, 60, 90],
      [0, 10, 50],
    ]),
    order: Int32Array.of(0, 2, 1),
  };
  const rows = stacked(moved);
  expect([...rows]).toEqual([0, 1, 1]);
  expect([...boxesOf(rows, moved, moved.order).ids]).toEqual([0, 2, 1]);
});

test("no two boxes of a row overlap, however many siblings run at once", () => {
  const nodes: [number, number, number][] = [[-1, 0, 10_000]];
  for (let i = 1; i < 2000; i++) {
    const isBelow = i % 3 === 0;
    const from = isBelow ? (nodes[i - 1]?.[1] ?? 0) : i * 4;
    nodes.push([isBelow ? i - 1 : 0, from, from + ((i * 7919) % 900)]);
  }
  const made = tree(nodes);
  const boxes = boxesOf(stacked(made), made);
  for (let row = 0; row < rowCount(boxes); row++) {
    for (let i = (boxes.rowStarts[row] ?? 0) + 1; i < (boxes.rowStarts[row + 1] ?? 0); i++)
      expect(boxes.from[i]).toBeGreaterThanOrEqual(boxes.to[i - 1] ?? 0);
  }
  expect(boxes.ids).toHaveLength(2000);
});

test("boxes are found by row and place", () => {
  const boxes = boxesOf(stacked(PARALLEL), PARALLEL);
  expect(rowCount(boxes)).toBe(4);
  expect(idAt(boxes, 1, 20, 0)).toBe(1);
  expect(idAt(boxes, 1, 70, 0)).toBeNull();
  expect(idAt(boxes, 1, 94, 2)).toBe(4);
  expect(idAt(boxes, 9, 20, 0)).toBeNull();
  expect(firstAfter(boxes, 1, 60)).toBe(boxes.indexOf[4]);
  expect([...countsBefore(boxes, (id) => id > 2)]).toEqual([0, 0, 0, 1, 1, 2]);
});

test("keys walk from box to box", () => {
  const boxes = boxesOf(stacked(PARALLEL), PARALLEL);
  expect(neighbor(boxes, null, "down")).toBe(0);
  expect(neighbor(boxes, 0, "down")).toBe(1);
  expect(neighbor(boxes, 1, "right")).toBe(4);
  expect(neighbor(boxes, 4, "right")).toBe(4);
  expect(neighbor(boxes, 4, "left")).toBe(1);
  expect(neighbor(boxes, 2, "up")).toBe(1);
  expect(neighbor(boxes, 3, "up")).toBe(1);
});

/** A canvas that counts. */
function counter() {
  const drawn: number[] = [];
  const context = {
    clearRect() {},
    strokeRect() {},
    fillText() {},
    measureText: (text: string) => ({ width: text.length * 6 }),
    fillRect: (x: number) => drawn.push(x),
  };
  return { drawn, context: context as unknown as CanvasRenderingContext2D };
}

function draw(boxes: Boxes, from: number, to: number): number[] {
  const { drawn, context } = counter();
  const none = countsBefore(boxes, () => false);
  const look = {
    colorOf: () => "",
    labelOf: () => "x",
    framedBefore: none,
    fullBefore: null,
    frame: "",
    text: "",
    canvas: "",
  };
  new BoxPainter(context, boxes, { from, to, width: 100, height: 100, offset: 0 }, look).paint();
  return drawn;
}

test("a hundred thousand boxes cost what the pixels cost", () => {
  const n = 100_000;
  const rows = new Int32Array(n);
  const from = Float64Array.from({ length: n }, (_, i) => i * 10);
  const boxes = boxesOf(rows, { from, to: from.map((start) => start + 5) });
  expect(draw(boxes, 0, 1e6).length).toBeLessThanOrEqual(101);
  // Zoomed in, each is there.
  expect(draw(boxes, 5000, 5100)).toHaveLength(10);
});

test("labels are cut to their room", () => {
  const { context } = counter();
  expect(fitted(context, "GET /", 100)).toBe("GET /");
  expect(fitted(context, "GET /orders", 36)).toBe("GET /\u2026");
  expect(fitted(context, "GET /orders", 8)).toBe("");
});
