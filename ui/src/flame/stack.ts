/**
 * Rows for trees whose siblings may overlap in time. A subtree is as wide as all that is in it and as high as it
 * needs; siblings that overlap are put below each other whole, so that what is right below a box belongs to it.
 */

/** A tree in columns: parents before their children. */
export interface Tree {
  readonly n: number;
  /** -1 for none. */
  readonly parents: Int32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** All nodes by `from`; `null` when siblings are in that order already. */
  readonly order: Int32Array | null;
}

/** The row of each node, from 0. */
export function stacked(tree: Tree): Int32Array {
  const { n, parents } = tree;
  const { children, ends } = families(tree);
  const heights = new Int32Array(n).fill(1);
  // Below the row of the parent.
  const offsets = new Int32Array(n);
  const shelf = new Shelf();
  // Children come after their parents: from the back, every height is known when it is needed.
  for (let node = n - 1; node >= -1; node--) {
    const first = children.first[node + 1] ?? -1;
    if (first < 0) continue;
    shelf.clear();
    let height = 0;
    for (let child = first; child >= 0; child = children.next[child] ?? -1) {
      const offset = shelf.place(tree.from[child] ?? 0, ends[child] ?? 0, heights[child] ?? 1);
      offsets[child] = offset;
      height = Math.max(height, offset + (heights[child] ?? 1));
    }
    if (node >= 0) heights[node] = 1 + height;
  }
  const rows = new Int32Array(n);
  for (let node = 0; node < n; node++) {
    const parent = parents[node] ?? -1;
    rows[node] = (parent < 0 ? 0 : (rows[parent] ?? 0) + 1) + (offsets[node] ?? 0);
  }
  return rows;
}

/** Lists of children in order (those of -1 first), and where each subtree ends. */
function families({ n, parents, to, order }: Tree) {
  const first = new Int32Array(n + 1).fill(-1);
  const next = new Int32Array(n).fill(-1);
  const ends = Float64Array.from(to);
  for (let k = n - 1; k >= 0; k--) {
    const node = order?.[k] ?? k;
    const parent = parents[node] ?? -1;
    next[node] = first[parent + 1] ?? -1;
    first[parent + 1] = node;
  }
  for (let node = n - 1; node >= 0; node--) {
    const parent = parents[node] ?? -1;
    if (parent >= 0) ends[parent] = Math.max(ends[parent] ?? 0, ends[node] ?? 0);
  }
  return { children: { first, next }, ends };
}

/** Where each row of a family is taken until; finds the first place that is free. */
class Shelf {
  private rows: number[] = [];
  /** Least of each block of rows, so that full blocks are skipped. */
  private least: number[] = [];

  clear(): void {
    this.rows = [];
    this.least = [];
  }

  /** Takes `height` rows from `from` to `to`; what comes later must not begin earlier. */
  place(from: number, to: number, height: number): number {
    const at = this.free(from, height);
    for (let row = at; row < at + height; row++) this.rows[row] = to;
    for (let block = at >> 6; block <= (at + height - 1) >> 6; block++) {
      let least = Number.POSITIVE_INFINITY;
      const end = Math.min(this.rows.length, (block + 1) << 6);
      for (let row = block << 6; row < end; row++) least = Math.min(least, this.rows[row] ?? 0);
      this.least[block] = least;
    }
    return at;
  }

  private free(from: number, height: number): number {
    let run = 0;
    for (let row = 0; row < this.rows.length; row++) {
      if ((row & 63) === 0 && (this.least[row >> 6] ?? 0) > from) {
        run = 0;
        row += 63;
        continue;
      }
      run = (this.rows[row] ?? 0) <= from ? run + 1 : 0;
      if (run === height) return row - height + 1;
    }
    return this.rows.length - run;
  }
}
