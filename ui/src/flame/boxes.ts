/** Boxes in rows, as flame graphs have them: in each row sorted by where they begin, none over another. */

/** Columns of boxes, row by row. */
export interface Boxes {
  /** Index of the first box of each row; one more than there are rows. */
  readonly rowStarts: Uint32Array;
  /** What each box is of. */
  readonly ids: Uint32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Row of each id, -1 for none. */
  readonly rowOf: Int32Array;
  /** Index of the box of each id, -1 for none. */
  readonly indexOf: Int32Array;
}

/** How many rows there are. */
export const rowCount = ({ rowStarts }: Boxes): number => rowStarts.length - 1;

/** Extents of ids. */
export interface Extents {
  readonly from: { readonly [id: number]: number };
  readonly to: { readonly [id: number]: number };
}

/**
 * Puts ids into boxes; row -1 is none. Within a row, ids must come in the order of their extents, or in `order`,
 * which names all of them.
 */
export function boxesOf(rowOf: Int32Array, extents: Extents, order: Int32Array | null = null): Boxes {
  let rows = 0;
  let count = 0;
  for (const row of rowOf) {
    if (row < 0) continue;
    rows = Math.max(rows, row + 1);
    count++;
  }
  const rowStarts = new Uint32Array(rows + 1);
  for (const row of rowOf) if (row >= 0) rowStarts[row + 1] = (rowStarts[row + 1] ?? 0) + 1;
  for (let row = 0; row < rows; row++) rowStarts[row + 1] = (rowStarts[row + 1] ?? 0) + (rowStarts[row] ?? 0);
  const next = rowStarts.slice(0, rows);
  const boxes = {
    rowStarts,
    ids: new Uint32Array(count),
    from: new Float64Array(count),
    to: new Float64Array(count),
    rowOf,
    indexOf: new Int32Array(rowOf.length).fill(-1),
  };
  for (let k = 0; k < rowOf.length; k++) {
    const id = order?.[k] ?? k;
    const row = rowOf[id] ?? -1;
    if (row < 0) continue;
    const index = next[row] ?? 0;
    next[row] = index + 1;
    boxes.ids[index] = id;
    boxes.from[index] = extents.from[id] ?? 0;
    boxes.to[index] = extents.to[id] ?? 0;
    boxes.indexOf[id] = index;
  }
  return boxes;
}

/** The first box of a row from `index` on that ends after `at`; the end of the row when there is none. */
export function firstAfter({ rowStarts, to }: Boxes, row: number, at: number, index = 0): number {
  let low = Math.max(index, rowStarts[row] ?? 0);
  let high = rowStarts[row + 1] ?? 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((to[middle] ?? 0) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The id at a place, with so much tolerance to the sides; `null` for none. */
export function idAt(boxes: Boxes, row: number, at: number, tolerance: number): number | null {
  if (row < 0 || row >= rowCount(boxes)) return null;
  const index = firstAfter(boxes, row, at - tolerance);
  if (index >= (boxes.rowStarts[row + 1] ?? 0) || (boxes.from[index] ?? 0) > at + tolerance) return null;
  return boxes.ids[index] ?? null;
}

/** For each box, how many boxes before it pass. */
export function countsBefore({ ids }: Boxes, passes: (id: number) => boolean): Uint32Array {
  const counts = new Uint32Array(ids.length + 1);
  for (let i = 0; i < ids.length; i++) counts[i + 1] = (counts[i] ?? 0) + (passes(ids[i] ?? 0) ? 1 : 0);
  return counts;
}
