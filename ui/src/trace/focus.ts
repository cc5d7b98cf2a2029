/** The keyboard's focus follows the selected span. */
import type { TraceState } from "./state.ts";

/** Selects a row; the focus follows once the row exists. */
export function focusRow(state: TraceState, position: number): void {
  if (position < state.skeleton.n) state.select(position);
  else state.selected.value = position;
  giveFocus(position);
}

/** Selects nothing; the focus stays in the row. */
export function closeSpan(state: TraceState): void {
  const position = state.selected.peek();
  state.select(null);
  if (position !== null) giveFocus(position);
}

/** Which row has the focus: the position of its span. */
export function focusedRow(): number | null {
  const id = /^row-(\d+)$/.exec(document.activeElement?.id ?? "");
  return id ? Number(id[1]) : null;
}

export function giveFocus(position: number): void {
  requestAnimationFrame(() => document.getElementById(`row-${position}`)?.focus({ preventScroll: true }));
}
