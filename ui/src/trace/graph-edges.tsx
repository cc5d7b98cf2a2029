/** The calls of a trace's graph as lines, with how many they are. */
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { alarm } from "../map/edges.ts";
import { compact, counted, grouped } from "../text/numbers.ts";
import styles from "./graph.module.css";
import { type Call, type Graph, type InFocus, operationName } from "./graph.ts";
import type { Point } from "./graph-drawing.tsx";
import { NODE, othersName } from "./graph-node.tsx";
import type { Part } from "./graph-part.ts";
import type { TraceState } from "./state.ts";

/** Lines above this would be a gray area: those with most calls are drawn. */
export const LINES_MAX = 500;
/** Up to so many lines, each says how many calls it is; of more, only those of the node that is looked at. */
const LABELS_MAX = 150;

/** The calls that have a line, those of the critical path last: on top. */
export function linesOf({ calls }: Part): { call: Call; at: number }[] {
  const lines = calls.map((call, at) => ({ call, at })).filter(({ call }) => call.from !== call.to);
  const isCritical = ({ call }: { call: Call }) => (call.critical > 0 ? 1 : 0);
  lines.sort((a, b) => isCritical(b) - isCritical(a) || b.call.count - a.call.count || a.at - b.at);
  return lines.slice(0, LINES_MAX).reverse();
}

interface EdgesProps {
  readonly state: TraceState;
  readonly graph: Graph;
  readonly part: Part;
  readonly inFocus: InFocus | null;
  /** Corners of the nodes. */
  readonly points: readonly Point[];
  readonly pointed: ReadonlySignal<number | null>;
  readonly chosen: number | null;
}

export function GraphEdges({ state, graph, part, inFocus, points, pointed, chosen }: EdgesProps) {
  const near = pointed.value ?? chosen;
  const lines = useMemo(() => linesOf(part), [part]);
  const ends = useMemo(() => endsOf(lines), [lines]);
  const texts = useMemo(() => lines.map(({ call }) => callText(state, graph, part, call)), [lines]);
  const matching = inFocus && matchingOf(part, inFocus);
  return (
    <g aria-hidden="true">
      {lines.map(({ call, at }, i) => {
        const [from, to] = [points[call.from], points[call.to]];
        if (!from || !to) return null;
        const isNear = call.from === near || call.to === near;
        const [x, y, anchor] = labelPlace(call, from, to, ends);
        const width = (call.errors > 0 ? 2.5 : 1.5) + Math.min(4, 1.2 * Math.log10(call.count));
        return (
          <g
            key={`${call.from} ${call.to}`}
            class={styles.call}
            data-critical={call.critical > 0}
            data-near={isNear}
            data-apart={near !== null && !isNear}
            data-match={matching?.[at] === 0 ? "no" : undefined}
            style={{ "--alarm": `${alarm(call.errors / call.count)}%` }}
          >
            <title>{texts[i]}</title>
            {call.critical > 0 && <path class={styles.path} d={curve(from, to)} stroke-width={width + 2.5} />}
            <path class={styles.line} d={curve(from, to)} stroke-width={width} />
            {call.count > 1 && (lines.length <= LABELS_MAX || isNear) && (
              <text x={x} y={y} text-anchor={anchor}>
                ×{compact(call.count)}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

function curve(from: Point, to: Point): string {
  const [x0, y0] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x1, y1] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(36, Math.abs(x1 - x0) / 2);
  return `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
}

/** How many lines begin and end at each node. */
function endsOf(lines: readonly { call: Call }[]) {
  const [from, to] = [new Map<number, number>(), new Map<number, number>()];
  for (const { call } of lines) {
    from.set(call.from, (from.get(call.from) ?? 0) + 1);
    to.set(call.to, (to.get(call.to) ?? 0) + 1);
  }
  return { from, to };
}

/** Where a line has room for its label: at an end where it is alone, else in its middle. */
function labelPlace(
  call: Call,
  from: Point,
  to: Point,
  ends: ReturnType<typeof endsOf>,
): readonly [number, number, "start" | "middle" | "end"] {
  if (ends.to.get(call.to) === 1) return [to.x - 6, to.y + NODE.height / 2 - 5, "end"];
  if (ends.from.get(call.from) === 1) return [from.x + NODE.width + 6, from.y + NODE.height / 2 - 5, "start"];
  return [(from.x + NODE.width + to.x) / 2, (from.y + to.y + NODE.height) / 2 - 3, "middle"];
}

/** How many calls of each line are in full color. */
function matchingOf({ calls, callOf }: Part, inFocus: InFocus): Uint32Array {
  const counts = new Uint32Array(calls.length);
  inFocus.calls.forEach((count, i) => {
    const at = callOf[i] ?? -1;
    if (at >= 0) counts[at] = (counts[at] ?? 0) + count;
  });
  return counts;
}

function callText(state: TraceState, graph: Graph, part: Part, call: Call): string {
  const nameOf = (node: number) => {
    const group = graph.groups[part.nodes[node]?.of ?? -1];
    if (!group) return othersName(part);
    return `${state.skeleton.services[group.service]} ${operationName(state.model, group)}`;
  };
  const facts = [
    counted(call.count, "call"),
    call.errors > 0 && `${grouped(call.errors)} failed`,
    call.critical > 0 && "on the critical path",
  ];
  return `${nameOf(call.from)} → ${nameOf(call.to)}\n${facts.filter(Boolean).join(", ")}`;
}
