/** What the reader does with one trace: the views share it, and the address keeps what is worth a link. */
import { batch, computed, effect, type Signal, signal, untracked } from "@preact/signals";
import { positionOf, type Skeleton, spanIdAt, type TraceSource } from "../api/trace.ts";
import { attributesOf } from "../api/values.ts";
import { place, setQuery } from "../router.ts";
import { carried, unfoldedIn } from "./carry.ts";
import { AttributeColors, byKind, byService, byStatus, type Coloring } from "./coloring.ts";
import { Finder } from "./finder.ts";
import { type Model, modelOf, type Window } from "./model.ts";
import { rowsOf, spanOfRow } from "./rows.ts";
import { Zooming } from "./zooming.ts";

/** How long the address waits for what changes by the frame. */
const ADDRESS_MILLIS = 120;

export class TraceState {
  /** The trace as far as it has arrived. */
  private readonly arrived: Signal<Skeleton>;
  /** Whether the ids of the spans are known. Until then none can be asked for, and the address names none. */
  readonly isIdentified: Signal<boolean>;
  /** Whether wrong clocks are put right. */
  readonly adjusted = signal(true);
  private readonly modelNow = computed(() => modelOf(this.skeleton, { adjusted: this.adjusted.value }));
  readonly collapsed = signal<ReadonlySet<number>>(new Set());
  readonly unfolded = signal<ReadonlySet<number>>(new Set());
  /** Only this span and what is below it. */
  readonly root = signal<number | null>(null);
  readonly selected = signal<number | null>(null);
  /** Id of the span that the address names, while that has not arrived. */
  private wanted: string | undefined;
  /** Whether the selected span is shown beside the view. */
  readonly isDetailOpen = signal(true);
  readonly hovered = signal<number | null>(null);
  readonly finder: Finder;
  readonly hideOthers = signal(false);
  /** Whether only what is on the critical path counts. */
  readonly criticalOnly = signal(false);
  readonly zooming: Zooming;
  /** What colors stand for: `service`, `kind`, `status`, or an attribute. */
  readonly colorBy = signal("service");
  readonly attributeColors: AttributeColors;
  /** The colors of spans; those of services as long as an attribute's are not there. */
  readonly coloring = computed<Coloring>(() => {
    const by = this.colorBy.value;
    if (by === "kind") return byKind(this.skeleton);
    if (by === "status") return byStatus(this.skeleton);
    const asked = this.attributeColors.now.value;
    // One of fewer spans is about others.
    return asked?.by === by && asked.n === this.skeleton.n
      ? asked.coloring
      : byService(this.model, this.source.otlp !== undefined);
  });

  /** The spans in full color, one byte per position; `null` for all. */
  readonly inFocus = computed<Uint8Array | null>(() => {
    const found = this.finder.matches.value?.has ?? null;
    if (!this.criticalOnly.value) return found;
    const { criticalTime } = this.model;
    return Uint8Array.from(criticalTime, (nanos, i) => (nanos > 0 && (!found || found[i]) ? 1 : 0));
  });
  /** The spans that lists and figures are about, one byte per position; `null` for all. */
  readonly listed = computed<Uint8Array | null>(() => {
    const only = this.hideOthers.value ? this.inFocus.value : null;
    const zoom = this.zooming.chosen.value;
    const root = this.root.value;
    if (!only && !zoom && root === null) return null;
    const { starts, subtreeEnds } = this.model;
    const listed = new Uint8Array(this.skeleton.n);
    const end = root === null ? listed.length : (subtreeEnds[root] ?? 0);
    for (let i = root ?? 0; i < end; i++) {
      const start = starts[i] ?? 0;
      const isInTime = !zoom || (start <= zoom.to && start + (this.skeleton.durations[i] ?? 0) >= zoom.from);
      listed[i] = isInTime && (!only || only[i]) ? 1 : 0;
    }
    return listed;
  });
  readonly rows = computed(() =>
    rowsOf(this.model, {
      collapsed: this.collapsed.value,
      unfolded: this.unfolded.value,
      root: this.root.value,
      only: this.hideOthers.value ? this.inFocus.value : null,
    }),
  );
  /** Row of each span, -1 where it is not shown. */
  private readonly rowOf = computed(() => {
    const rowOf = new Int32Array(this.skeleton.n + 1).fill(-1);
    this.rows.value.forEach((row, index) => {
      rowOf[spanOfRow(row)] = index;
    });
    return rowOf;
  });

  constructor(
    skeleton: Skeleton,
    readonly source: TraceSource,
  ) {
    this.arrived = signal(skeleton);
    this.isIdentified = signal(skeleton.hasIds);
    this.finder = new Finder(() => this.skeleton, source);
    const attributes = source.otlp ? null : attributesOf(skeleton);
    this.attributeColors = new AttributeColors(() => this.skeleton, source, attributes);
    this.zooming = new Zooming(() => this.home);
    this.restore(place.peek().query);
  }

  /** The attribute that colors stand for; `null` for what the page knows by itself. */
  get colorAttribute(): string | null {
    const by = this.colorBy.value;
    return ["service", "kind", "status"].includes(by) ? null : by;
  }

  get skeleton(): Skeleton {
    return this.arrived.value;
  }

  /** Goes on with a later state of the trace. What the reader did is about spans, wherever these are now. */
  grow(next: Skeleton): void {
    const before = this.arrived.peek();
    const at = carried(before, next);
    const moved = (position: number | null) => {
      const to = position === null ? -1 : (at[position] ?? -1);
      return to < 0 ? null : to;
    };
    const { runs, origin } = untracked(() => this.model);
    const selected = this.selected.peek();
    const wasShown = selected !== null && untracked(() => this.rowIndex(selected)) >= 0;
    batch(() => {
      this.arrived.value = next;
      const collapsed = [...this.collapsed.peek()].map(moved);
      this.collapsed.value = new Set(collapsed.filter((position) => position !== null));
      this.unfolded.value = unfoldedIn(this.model.runs, { at, runs, unfolded: this.unfolded.peek() });
      this.root.value = moved(this.root.peek());
      this.hovered.value = moved(this.hovered.peek());
      this.selected.value = moved(selected);
      this.zooming.shift(Number(before.startUnixNanos - next.startUnixNanos) + origin - this.model.origin);
      this.finder.carry(at, next.n);
      const now = this.selected.peek() ?? positionOf(next, this.wanted ?? "");
      if (now === next.n) this.selected.value = this.model.orphans.length > 0 ? now : null;
      else if (now !== null && (this.selected.peek() === null || (wasShown && this.rowIndex(now) < 0)))
        this.select(now);
    });
  }

  /** The ids of the spans have come. */
  identify(ids: BigUint64Array): void {
    this.skeleton.ids.set(ids);
    this.isIdentified.value = true;
    // What an address names that was gone to in the meantime.
    const { query } = place.peek();
    const [root, span] = ["root", "span"].map((name) => positionOf(this.skeleton, query.get(name) ?? ""));
    if (this.root.peek() === null && typeof root === "number") this.root.value = root;
    if (this.selected.peek() === null && typeof span === "number") this.select(span);
  }

  get model(): Model {
    return this.modelNow.value;
  }

  /** All of the time of the trace. */
  get whole(): Window {
    const { from, to } = this.model.extent;
    return { from, to: Math.max(from + 1, to) };
  }

  /** All of the time of what is shown: the trace, or the span in focus and what is below it. */
  get home(): Window {
    const root = this.root.value;
    if (root === null) return this.whole;
    const { starts, subtreeEnds, skeleton } = this.model;
    let [from, to] = [starts[root] ?? 0, (starts[root] ?? 0) + 1];
    for (let i = root; i < (subtreeEnds[root] ?? 0); i++) {
      from = Math.min(from, starts[i] ?? 0);
      to = Math.max(to, (starts[i] ?? 0) + (skeleton.durations[i] ?? 0));
    }
    return { from, to };
  }

  /** What a link has to say. */
  private asQuery(): Record<string, string | undefined> {
    const zoom = this.zooming.chosen.value;
    const [selected, root] = [this.selected.value, this.root.value];
    const idOf = (position: number) => (this.isIdentified.value ? this.spanId(position) : undefined);
    return {
      span: selected === null ? this.wanted : idOf(selected),
      root: root === null ? undefined : idOf(root),
      z: zoom ? `${Math.round(zoom.from)}-${Math.round(zoom.to)}` : undefined,
      f: this.finder.text.value || undefined,
      hide: this.hideOthers.value ? "1" : undefined,
      cp: this.criticalOnly.value ? "1" : undefined,
      color: this.colorBy.value === "service" ? undefined : this.colorBy.value,
      clock: this.adjusted.value ? undefined : "raw",
    };
  }

  private restore(query: URLSearchParams): void {
    this.adjusted.value = query.get("clock") !== "raw";
    this.finder.text.value = query.get("f") ?? "";
    this.colorBy.value = query.get("color") ?? "service";
    this.hideOthers.value = query.get("hide") === "1";
    this.criticalOnly.value = query.get("cp") === "1";
    this.root.value = positionOf(this.skeleton, query.get("root") ?? "");
    const span = query.get("span") ?? "";
    this.select(positionOf(this.skeleton, span));
    if (this.selected.peek() === null && /^[0-9a-f]{16}$/i.test(span)) this.wanted = span;
    const zoom = /^(-?\d+)-(-?\d+)$/.exec(query.get("z") ?? "");
    this.zooming.restore(zoom ? { from: Number(zoom[1]), to: Number(zoom[2]) } : null);
  }

  /** Keeps address and state in step, whichever of them changes; returns how to stop that. */
  followAddress(): () => void {
    const textOf = (value: (name: string) => string | null | undefined) =>
      Object.keys(untracked(() => this.asQuery()))
        .map((name) => value(name) ?? "")
        .join("\n");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopWriting = effect(() => {
      this.asQuery();
      clearTimeout(timer);
      timer = setTimeout(() => this.writeAddress(), ADDRESS_MILLIS);
    });
    const addressed = () => textOf((name) => place.value.query.get(name));
    let before = untracked(addressed);
    const stopReading = effect(() => {
      const now = addressed();
      if (now === before) return;
      before = now;
      const ours = untracked(() => this.asQuery());
      if (now !== textOf((name) => ours[name])) untracked(() => this.restore(place.peek().query));
    });
    return () => {
      stopWriting();
      stopReading();
      clearTimeout(timer);
    };
  }

  /** Writes the address now. */
  writeAddress(): void {
    const ours = untracked(() => this.asQuery());
    const { query } = place.peek();
    if (Object.entries(ours).some(([name, value]) => (query.get(name) ?? undefined) !== value))
      setQuery(ours);
  }

  spanId(position: number): string {
    return spanIdAt(this.skeleton, position);
  }

  service(position: number): string {
    return this.skeleton.services[this.skeleton.serviceOf[position] ?? 0] ?? "";
  }

  operation(position: number): string {
    return this.skeleton.names[this.skeleton.nameOf[position] ?? 0] ?? "";
  }

  /** Puts wrong clocks right, or shows times as received; the part of the time that is shown stays. */
  adjust(adjusted: boolean): void {
    const before = untracked(() => this.model.origin);
    this.adjusted.value = adjusted;
    this.zooming.shift(before - untracked(() => this.model.origin));
  }

  /** Selects a span and opens what hides it. */
  select(position: number | null): void {
    if (position !== null) this.reveal(position);
    this.wanted = undefined;
    this.selected.value = position;
  }

  private reveal(position: number): void {
    const { runs, subtreeEnds, orphans } = untracked(() => this.model);
    const { parents, n } = this.skeleton;
    const collapsed = new Set(this.collapsed.peek());
    let top = position;
    for (let at = parents[position] ?? -1; at >= 0; at = parents[at] ?? -1) {
      collapsed.delete(at);
      top = at;
    }
    if (orphans.includes(top)) collapsed.delete(n);
    if (collapsed.size !== this.collapsed.peek().size) this.collapsed.value = collapsed;
    for (const run of runs.values()) {
      const folded = position >= run.first && position < run.end && !this.unfolded.peek().has(run.first);
      if (folded) this.unfolded.value = new Set(this.unfolded.peek()).add(run.first);
    }
    const root = this.root.peek();
    if (root !== null && (position < root || position >= (subtreeEnds[root] ?? 0))) this.focus(null);
  }

  /** Shows only a span and what is below it, in all of the time that it took; `null` for the whole trace. */
  focus(position: number | null): void {
    this.root.value = position;
    this.zooming.forget();
  }

  /** Index of the row of a span; -1 when it is not shown. */
  rowIndex(position: number): number {
    return this.rowOf.value[position] ?? -1;
  }

  toggle(row: number): void {
    if (row < 0) {
      this.unfolded.value = new Set(this.unfolded.peek()).add(~row);
      return;
    }
    const collapsed = new Set(this.collapsed.peek());
    if (!collapsed.delete(row)) collapsed.add(row);
    this.collapsed.value = collapsed;
    if (collapsed.has(row)) this.hide(row);
  }

  /** What is hidden is folded again, and the selection moves up to what hides it. */
  private hide(row: number): void {
    const end = untracked(() => this.model.subtreeEnds[row] ?? 0);
    const isBelow = (position: number) => position > row && position < end;
    const unfolded = [...this.unfolded.peek()].filter((first) => !isBelow(first));
    if (unfolded.length < this.unfolded.peek().size) this.unfolded.value = new Set(unfolded);
    const selected = this.selected.peek();
    if (selected !== null && isBelow(selected)) this.selected.value = row;
  }

  setCollapsed(row: number, collapsed: boolean): void {
    if (this.collapsed.peek().has(row) !== collapsed) this.toggle(row);
  }

  collapseAll(): void {
    const { subtreeEnds, orphans } = this.model;
    const parents = new Set<number>(orphans.length > 0 ? [this.skeleton.n] : []);
    for (let i = 0; i < this.skeleton.n; i++) if ((subtreeEnds[i] ?? 0) > i + 1) parents.add(i);
    this.collapsed.value = parents;
    this.unfolded.value = new Set();
    const selected = this.selected.peek();
    if (selected === null) return;
    let top = this.root.peek() ?? selected;
    while ((this.skeleton.parents[top] ?? -1) >= 0 && top !== this.root.peek())
      top = this.skeleton.parents[top] ?? 0;
    this.selected.value = top;
  }

  expandAll(): void {
    this.collapsed.value = new Set();
    this.unfolded.value = new Set(this.model.runs.keys());
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
