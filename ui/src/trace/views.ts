/** The ways to look at a trace. */
import { computed } from "@preact/signals";
import { place, setQuery } from "../router.ts";

/** In the order of their keys, from 1. */
export const VIEWS = ["waterfall", "flame", "merged", "graph", "table", "stats", "events"] as const;
export type View = (typeof VIEWS)[number];

export const LABELS: Record<View, string> = {
  waterfall: "Waterfall",
  flame: "Flame",
  merged: "Merged",
  graph: "Graph",
  table: "Table",
  stats: "Statistics",
  events: "Events",
};

/** The view that the address names. */
export const view = computed<View>(() => {
  const named = place.value.query.get("view");
  return VIEWS.find((view) => view === named) ?? "waterfall";
});

export function show(view: View): void {
  setQuery({ view: view === "waterfall" ? undefined : view });
}
