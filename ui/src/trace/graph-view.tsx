/** A trace by service and operation: who calls whom how often, where the time goes, as a drawing and as lists. */
import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { compact, counted, percent } from "../text/numbers.ts";
import styles from "./graph.module.css";
import { graphOf, inFocusOf, worstOf } from "./graph.ts";
import { GraphDrawing } from "./graph-drawing.tsx";
import { LINES_MAX } from "./graph-edges.tsx";
import { GraphLists } from "./graph-lists.tsx";
import { type Node, type Part, partOf } from "./graph-part.ts";
import type { TraceState } from "./state.ts";
import views from "./views.module.css";

const NODES_MAX = 150;

export function GraphView({ state }: { state: TraceState }) {
  const lists = useRef<HTMLDivElement>(null);
  const graph = useComputed(() => graphOf(state.model, state.listed.value));
  const part = useComputed(() => partOf(graph.value, NODES_MAX));
  const inFocus = useComputed(() => state.inFocus.value && inFocusOf(graph.value, state.inFocus.value));
  const group = useComputed(() => {
    const at = graph.value.groupOf[state.selected.value ?? -1] ?? -1;
    return at < 0 ? null : at;
  });
  const choose = (of: number) => {
    const worst = worstOf(state.model, graph.peek(), of, state.inFocus.peek());
    if (worst >= 0) state.select(worst);
  };
  if (graph.value.groups.length === 0) {
    return (
      <div class={views.empty}>
        <p>No span is left to show. Show what does not match, or all of the time (0).</p>
      </div>
    );
  }
  const chosen = group.value === null ? null : (part.value.nodeOf[group.value] ?? null);
  return (
    <div class={views.column}>
      <GraphDrawing
        {...{ state, chosen }}
        graph={graph.value}
        part={part.value}
        inFocus={inFocus.value}
        caption={<Caption part={part.value} />}
        choose={({ of }) => {
          if (of !== null) choose(of);
          // What has no node of its own is in the list.
          else lists.current?.querySelector<HTMLElement>("tbody button")?.focus();
        }}
      />
      <div ref={lists} class={styles.lists}>
        <GraphLists
          state={state}
          graph={graph.value}
          inFocus={inFocus.value}
          chosen={group.value}
          choose={(of) => {
            state.isDetailOpen.value = true;
            choose(of);
          }}
        />
      </div>
    </div>
  );
}

function Caption({ part: { nodes, calls, others } }: { part: Part }) {
  const sum = (of: (node: Node) => number) => nodes.reduce((all, node) => all + of(node), 0);
  const lines = calls.filter(({ from, to }) => from !== to).length;
  const self = sum((node) => node.self);
  const most = self > 0 ? Math.max(...nodes.map((node) => node.self)) / self : 0;
  return (
    <>
      <span>
        {counted(others > 0 ? nodes.length - 1 + others : nodes.length, "operation")} in{" "}
        {counted(
          sum(({ spans }) => spans),
          "span",
        )}
        {others > 0 && ` · ${compact(others)} with less self time are one node`}
        {lines > LINES_MAX && ` · ${compact(lines - LINES_MAX)} lines with few calls are not drawn`}
      </span>
      <span class={styles.legend} aria-hidden="true">
        <span>
          self time <i class={styles.scale} /> {percent(most)}
        </span>
        <span>
          <i class={styles.critical} /> critical path
        </span>
        <span>
          <i class={styles.failing} /> failed calls
        </span>
      </span>
    </>
  );
}
