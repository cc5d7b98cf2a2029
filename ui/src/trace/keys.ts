/** The trace page without a mouse. What each key does is also listed in the help (`shell/help.tsx`). */
import { spanOfRow } from "./model.ts";
import type { TraceState } from "./state.ts";

/** Listens until the returned function is called. */
export function keys(state: TraceState, find: () => void): () => void {
  const listener = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || isTyping(event)) return;
    if (event.altKey && event.key !== "ArrowLeft") return;
    const action = actionOf(state, find, event);
    if (!action) return;
    event.preventDefault();
    action();
  };
  addEventListener("keydown", listener);
  return () => removeEventListener("keydown", listener);
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return (
    ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) ||
    document.querySelector("dialog[open]") !== null
  );
}

function actionOf(state: TraceState, find: () => void, event: KeyboardEvent): (() => void) | undefined {
  const selected = state.selected.peek();
  if (event.altKey) return () => state.zoomBack();
  const actions: Record<string, () => void> = {
    ArrowDown: () => move(state, 1),
    ArrowUp: () => move(state, -1),
    ArrowRight: () => openOrMove(state),
    ArrowLeft: () => closeOrMove(state),
    Escape: () => state.select(null),
    "/": find,
    n: () => state.next(state.matches.peek() ?? [], 1),
    N: () => state.next(state.matches.peek() ?? [], -1),
    e: () => state.next(state.model.errors, 1),
    E: () => state.next(state.model.errors, -1),
    "[": () => state.collapseAll(),
    "]": () => state.expandAll(),
    "0": () => state.zoomAll(),
    c: () => {
      state.criticalOnly.value = !state.criticalOnly.peek();
    },
    w: () => state.zoomAround(middle(state), 0.7),
    s: () => state.zoomAround(middle(state), 1.4),
    a: () => state.pan(-0.2),
    d: () => state.pan(0.2),
    r: () => {
      state.root.value = null;
    },
  };
  if (selected !== null) {
    actions.Enter = () => {
      state.root.value = selected;
    };
    actions.f = () => {
      const { starts, durations } = state.model.skeleton;
      const [from, took] = [starts[selected] ?? 0, durations[selected] ?? 0];
      state.zoomTo({ from: from - took * 0.05, to: from + took * 1.05 });
    };
  }
  // A button that has the focus takes these itself.
  const onButton = (event.target as HTMLElement).closest("button, a, summary") !== null;
  return onButton && event.key === "Enter" ? undefined : actions[event.key];
}

function middle(state: TraceState): number {
  const { from, to } = state.zoom.peek();
  return (from + to) / 2;
}

function move(state: TraceState, by: number): void {
  const rows = state.rows.peek();
  const selected = state.selected.peek();
  const at = selected === null ? -1 : state.rowIndex(selected);
  const to = Math.min(rows.length - 1, Math.max(0, at + by));
  const row = rows[to];
  if (row === undefined) return;
  // A folded run is opened by going on into it.
  if (row < 0) state.toggle(row);
  focus(state, spanOfRow(row));
}

function focus(state: TraceState, position: number): void {
  state.select(position);
  requestAnimationFrame(() => document.getElementById(`row-${position}`)?.focus({ preventScroll: true }));
}

function openOrMove(state: TraceState): void {
  const selected = state.selected.peek();
  if (selected !== null && state.collapsed.peek().has(selected)) state.setCollapsed(selected, false);
  else move(state, 1);
}

function closeOrMove(state: TraceState): void {
  const selected = state.selected.peek();
  if (selected === null) return;
  const hasChildren = (state.model.subtreeEnds[selected] ?? 0) > selected + 1;
  const parent = state.model.skeleton.parents[selected] ?? -1;
  if (hasChildren && !state.collapsed.peek().has(selected)) state.setCollapsed(selected, true);
  else if (parent >= 0) focus(state, parent);
}
