/** The trace page without a mouse. What each key does is also listed in the help (`shell/help.tsx`). */
import { closeSpan, focusRow } from "./focus.ts";
import { spanOfRow } from "./rows.ts";
import type { TraceState } from "./state.ts";
import { copyLink } from "./tools.tsx";
import { show, VIEWS, view } from "./views.ts";

/** `g` and then another key within this time is one command. */
const PREFIX_MILLIS = 1000;

/** Listens until the returned function is called. */
export function keys(state: TraceState, find: () => void): () => void {
  let prefixAt = Number.NEGATIVE_INFINITY;
  const listener = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || isTyping(event)) return;
    if (event.altKey && event.key !== "ArrowLeft") return;
    const isPrefixed = event.timeStamp - prefixAt < PREFIX_MILLIS;
    prefixAt = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
    const action = isPrefixed ? afterG(state, event.key) : actionOf(state, find, event);
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

function afterG(state: TraceState, key: string): (() => void) | undefined {
  if (key === "r") return () => focusRow(state, state.root.peek() ?? 0);
  return undefined;
}

function actionOf(state: TraceState, find: () => void, event: KeyboardEvent): (() => void) | undefined {
  // Where there is no zoom before, the keys mean what they mean to the browser: the page before.
  if (event.altKey) return state.zooming.before.peek().length > 0 ? () => state.zooming.back() : undefined;
  const named = VIEWS[Number(event.key) - 1];
  if (named) return () => show(named);
  // A control that has the focus takes these itself.
  const target = event.target as HTMLElement;
  const onControl = target.closest("button, a, summary") !== null;
  if (onControl && (event.key === "Enter" || event.key === " ")) return undefined;
  const actions = {
    ...findingKeys(state, find),
    ...zoomingKeys(state),
    ...(view.peek() === "waterfall" ? rowKeys(state) : listKeys(state)),
    ...selectionKeys(state),
  };
  return actions[event.key];
}

type Actions = Record<string, () => void>;

function findingKeys(state: TraceState, find: () => void): Actions {
  const matches = () => state.finder.matches.peek()?.positions ?? [];
  return {
    "/": find,
    n: () => state.next(matches(), 1),
    N: () => state.next(matches(), -1),
    e: () => state.next(state.model.errors, 1),
    E: () => state.next(state.model.errors, -1),
    y: () => copyLink(state),
    c: () => {
      state.criticalOnly.value = !state.criticalOnly.peek();
    },
    h: () => {
      state.hideOthers.value = !state.hideOthers.peek();
    },
    r: () => state.focus(null),
  };
}

function zoomingKeys({ zooming }: TraceState): Actions {
  const middle = () => {
    const { from, to } = zooming.window.peek();
    return (from + to) / 2;
  };
  return {
    "0": () => zooming.all(),
    w: () => zooming.around(middle(), 0.7),
    s: () => zooming.around(middle(), 1.4),
    a: () => zooming.pan(-0.2),
    d: () => zooming.pan(0.2),
  };
}

function rowKeys(state: TraceState): Actions {
  return {
    ArrowDown: () => move(state, 1),
    ArrowUp: () => move(state, -1),
    ArrowRight: () => openOrMove(state),
    ArrowLeft: () => closeOrMove(state),
    "[": () => state.collapseAll(),
    "]": () => state.expandAll(),
  };
}

/** In the table, the rows are what is in the document; the nodes of the graph take arrows once they have the focus. */
function listKeys(state: TraceState): Actions {
  if (view.peek() === "graph") {
    const enter = () => document.querySelector<SVGElement>("[role=option][data-node][tabindex='0']")?.focus();
    return { ArrowDown: enter, ArrowUp: enter, ArrowLeft: enter, ArrowRight: enter };
  }
  if (view.peek() !== "table") return {};
  const step = (by: 1 | -1) => {
    const rows = [...document.querySelectorAll<HTMLElement>("[role=grid] [role=row][id]")].sort(
      (a, b) => Number(a.ariaRowIndex) - Number(b.ariaRowIndex),
    );
    const at = rows.findIndex((row) => row.ariaSelected === "true");
    const next = rows[at + by];
    if (next) focusRow(state, Number(next.id.slice("row-".length)));
  };
  return { ArrowDown: () => step(1), ArrowUp: () => step(-1) };
}

function selectionKeys(state: TraceState): Actions {
  const selected = state.selected.peek();
  const close = { Escape: () => closeSpan(state) };
  if (selected === null || selected >= state.skeleton.n) return close;
  return {
    ...close,
    Enter: () => state.focus(selected),
    " ": () => {
      state.isDetailOpen.value = !state.isDetailOpen.peek();
    },
    ".": () => sibling(state, selected, 1),
    ",": () => sibling(state, selected, -1),
    f: () => {
      const [from, took] = [state.model.starts[selected] ?? 0, state.skeleton.durations[selected] ?? 0];
      state.zooming.to({ from: from - took * 0.05, to: from + took * 1.05 });
    },
  };
}

function sibling(state: TraceState, selected: number, by: 1 | -1): void {
  const { parents, n } = state.skeleton;
  const parent = parents[selected];
  let i = selected + by;
  while (i >= 0 && i < n && i !== parent && parents[i] !== parent) i += by;
  if (parents[i] === parent) focusRow(state, i);
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
  focusRow(state, spanOfRow(row));
}

function openOrMove(state: TraceState): void {
  const selected = state.selected.peek();
  if (selected !== null && state.collapsed.peek().has(selected)) state.setCollapsed(selected, false);
  else move(state, 1);
}

function closeOrMove(state: TraceState): void {
  const selected = state.selected.peek();
  if (selected === null) return;
  const { n, parents } = state.skeleton;
  const hasChildren = selected === n || (state.model.subtreeEnds[selected] ?? 0) > selected + 1;
  const parent = parents[selected] ?? -1;
  if (hasChildren && !state.collapsed.peek().has(selected)) state.setCollapsed(selected, true);
  else if (parent >= 0) focusRow(state, parent);
}
