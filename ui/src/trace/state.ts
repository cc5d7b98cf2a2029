/** What the reader does with one trace: the views share it, and the address keeps what is worth a link. */
import { computed, effect, signal } from "@preact/signals";
import { type Skeleton, spanIdAt } from "../api/trace.ts";
import { place, setQuery } from "../router.ts";
import { type Model, modelOf, rowsOf, spanOfRow, type Window } from "./model.ts";

export class TraceState {
  readonly model: Model;
  readonly whole: Window;
  readonly collapsed = signal<ReadonlySet<number>>(new Set());
  readonly unfolded = signal<ReadonlySet<number>>(new Set());
  readonly root = signal<number | null>(null);
  readonly selected = signal<number | null>(null);
  readonly hovered = signal<number | null>(null);
  /** Positions of the spans that were looked for; `null` when nothing is. */
  readonly matches = signal<readonly number[] | null>(null);
  readonly hideOthers = signal(false);
  /** Whether only what is on the critical path is in full color. */
  readonly criticalOnly = signal(false);
  readonly zoom = signal<Window>({ from: 0, to: 1 });
  private readonly zoomsBefore: Window[] = [];

  readonly matchSet = computed(() => (this.matches.value ? new Set(this.matches.value) : null));
  readonly rows = computed(() => {
    const only = this.hideOthers.value ? this.matchSet.value : null;
    return rowsOf(this.model, {
      collapsed: this.collapsed.value,
      unfolded: this.unfolded.value,
      root: this.root.value,
      only,
    });
  });
  /** Row of each shown span, for scrolling to it. */
  private readonly rowOf = computed(
    () => new Map(Array.from(this.rows.value, (row, index) => [spanOfRow(row), index])),
  );

  constructor(skeleton: Skeleton) {
    this.model = modelOf(skeleton);
    this.whole = { from: 0, to: Math.max(1, this.model.duration) };
    this.zoom.value = this.whole;
    this.restore();
  }

  private restore(): void {
    const query = place.peek().query;
    const span = query.get("span");
    if (span) this.select(this.positionOf(span));
    const root = query.get("root");
    if (root) this.root.value = this.positionOf(root);
    const zoom = /^(\d+)-(\d+)$/.exec(query.get("z") ?? "");
    if (zoom) this.zoom.value = this.within({ from: Number(zoom[1]), to: Number(zoom[2]) });
    this.hideOthers.value = query.get("hide") === "1";
    this.criticalOnly.value = query.get("cp") === "1";
  }

  /** Keeps the address in step; returns how to stop that. */
  keepInAddress(): () => void {
    return effect(() => {
      const { from, to } = this.zoom.value;
      const isWhole = from === this.whole.from && to === this.whole.to;
      const [selected, root] = [this.selected.value, this.root.value];
      setQuery({
        span: selected === null ? undefined : this.spanId(selected),
        root: root === null ? undefined : this.spanId(root),
        z: isWhole ? undefined : `${Math.round(from)}-${Math.round(to)}`,
        hide: this.hideOthers.value ? "1" : undefined,
        cp: this.criticalOnly.value ? "1" : undefined,
      });
    });
  }

  spanId(position: number): string {
    return spanIdAt(this.model.skeleton, position);
  }

  positionOf(spanId: string): number | null {
    for (let i = 0; i < this.model.skeleton.n; i++) if (this.spanId(i) === spanId) return i;
    return null;
  }

  /** Selects a span and opens what hides it. */
  select(position: number | null): void {
    if (position !== null) this.reveal(position);
    this.selected.value = position;
  }

  private reveal(position: number): void {
    const { skeleton, runs, subtreeEnds } = this.model;
    const collapsed = new Set(this.collapsed.peek());
    for (let at = skeleton.parents[position] ?? -1; at >= 0; at = skeleton.parents[at] ?? -1)
      collapsed.delete(at);
    if (collapsed.size !== this.collapsed.peek().size) this.collapsed.value = collapsed;
    for (const run of runs.values()) {
      const folded = position >= run.first && position < run.end && !this.unfolded.peek().has(run.first);
      if (folded) this.unfolded.value = new Set(this.unfolded.peek()).add(run.first);
    }
    const root = this.root.peek();
    if (root !== null && (position < root || position >= (subtreeEnds[root] ?? 0))) this.root.value = null;
  }

  /** Index of the row of a span; -1 when it is not shown. */
  rowIndex(position: number): number {
    return this.rowOf.value.get(position) ?? -1;
  }

  toggle(row: number): void {
    if (row < 0) {
      this.unfolded.value = new Set(this.unfolded.peek()).add(~row);
      return;
    }
    const collapsed = new Set(this.collapsed.peek());
    if (!collapsed.delete(row)) collapsed.add(row);
    this.collapsed.value = collapsed;
  }

  setCollapsed(row: number, collapsed: boolean): void {
    if (this.collapsed.peek().has(row) !== collapsed) this.toggle(row);
  }

  collapseAll(): void {
    const { skeleton, subtreeEnds } = this.model;
    const parents = new Set<number>();
    for (let i = 0; i < skeleton.n; i++) if ((subtreeEnds[i] ?? 0) > i + 1) parents.add(i);
    this.collapsed.value = parents;
  }

  expandAll(): void {
    this.collapsed.value = new Set();
  }

  private within({ from, to }: Window): Window {
    const { whole } = this;
    const size = Math.min(Math.max(to - from, 1), whole.to);
    const start = Math.min(Math.max(from, 0), whole.to - size);
    return { from: start, to: start + size };
  }

  /** Shows this part of the time; `remember` makes `zoomBack` return to the one before. */
  zoomTo(window: Window, { remember = true } = {}): void {
    if (remember) this.zoomsBefore.push(this.zoom.peek());
    this.zoom.value = this.within(window);
  }

  zoomBack(): void {
    const before = this.zoomsBefore.pop();
    this.zoom.value = before ?? this.whole;
  }

  zoomAll(): void {
    this.zoomTo(this.whole);
  }

  /** Zooms by a factor around a time. */
  zoomAround(center: number, factor: number): void {
    const { from, to } = this.zoom.peek();
    const at = (center - from) / (to - from);
    const size = (to - from) * factor;
    this.zoomTo({ from: center - size * at, to: center + size * (1 - at) }, { remember: false });
  }

  pan(share: number): void {
    const { from, to } = this.zoom.peek();
    const by = (to - from) * share;
    this.zoomTo({ from: from + by, to: to + by }, { remember: false });
  }

  /** The next of some positions after the selected span, around at the end. */
  next(positions: readonly number[], step: 1 | -1): void {
    if (positions.length === 0) return;
    const at = positions.indexOf(this.selected.peek() ?? -1);
    const to =
      at < 0 ? (step > 0 ? 0 : positions.length - 1) : (at + step + positions.length) % positions.length;
    this.select(positions[to] ?? null);
  }
}
