/** A node of a trace's graph: whose operation it is, how often and how long it ran, what failed. */
import { useMemo } from "preact/hooks";
import { fitted } from "../flame/paint.ts";
import { compact, counted, duration, grouped, percent } from "../text/numbers.ts";
import styles from "./graph.module.css";
import { type Graph, type InFocus, operationName } from "./graph.ts";
import type { Point } from "./graph-drawing.tsx";
import type { Node, Part } from "./graph-part.ts";
import type { TraceState } from "./state.ts";

export const NODE = { width: 188, height: 60 };
const TEXT = { x: 15, width: NODE.width - 23 };
/** How much of the accent the hottest node has, in percent: text on it can still be read. */
const HEAT_MAX = 50;

/** How hot a node is, in percent of the accent. */
export function heat(self: number, most: number): number {
  return most > 0 ? Math.round(HEAT_MAX * Math.sqrt(Math.max(0, self) / most)) : 0;
}

interface NodeProps {
  readonly state: TraceState;
  readonly graph: Graph;
  readonly part: Part;
  readonly inFocus: InFocus | null;
  readonly node: Node;
  readonly at: number;
  readonly point: Point;
  readonly isChosen: boolean;
  /** Whether it is the one that the keyboard comes to. */
  readonly isNext: boolean;
  readonly choose: () => void;
  readonly pointAt: (is: boolean) => void;
}

export function GraphNode(props: NodeProps) {
  const { state, graph, part, inFocus, node, at, point, isChosen, isNext, choose, pointAt } = props;
  const text = useMemo(() => textOf(state, graph, part, node), [graph, part, at]);
  const most = Math.max(...part.nodes.map(({ self }) => self));
  const isApart = inFocus !== null && node.of !== null && inFocus.groups[node.of] === 0;
  const label = useMemo(() => labelOf(state, graph, part, node, inFocus), [graph, part, at, inFocus]);
  return (
    <g
      transform={`translate(${point.x} ${point.y})`}
      class={styles.node}
      data-failed={node.errors > 0}
      data-others={node.of === null}
      style={{ "--heat": `${heat(node.self, most)}%` }}
      onClick={choose}
      onPointerEnter={() => pointAt(true)}
      onPointerLeave={() => pointAt(false)}
    >
      <title>{label.replaceAll(", ", "\n")}</title>
      <g
        role="option"
        aria-selected={isChosen}
        aria-label={label}
        tabindex={isNext ? 0 : -1}
        data-node={at}
        data-match={isApart ? "no" : undefined}
      >
        <rect class={styles.ring} x="-3.5" y="-3.5" width={NODE.width + 7} height={NODE.height + 7} rx="9" />
        <rect class={styles.card} width={NODE.width} height={NODE.height} rx="6" />
      </g>
      <Texts text={text} />
      <Badges node={node} itself={text.itself} />
    </g>
  );
}

/** What is written on a node; who does not see it hears the label. */
function Texts({ text }: { text: ReturnType<typeof textOf> }) {
  const beside = text.itself > 0 ? measured(itselfText(text.itself), 11) + 8 : 0;
  return (
    <g aria-hidden="true">
      {text.color && (
        <rect x="5" y="7" width="4" height={NODE.height - 14} rx="1" style={{ fill: text.color }} />
      )}
      <text x={TEXT.x} y="18">
        {shortened(text.above, 12, TEXT.width - beside)}
      </text>
      <text class={styles.operation} x={TEXT.x} y="35">
        {shortened(text.name, 13, TEXT.width)}
      </text>
      <text x={TEXT.x} y="51">
        {shortened(text.figures, 12, TEXT.width)}
      </text>
    </g>
  );
}

/** On the upper edge: what failed; beside the service: that it calls itself. */
function Badges({ node, itself }: { node: Node; itself: number }) {
  const failed = `! ${counted(node.errors, "error")}`;
  const width = node.errors > 0 ? measured(failed, 11) + 12 : 0;
  return (
    <g aria-hidden="true">
      {width > 0 && (
        <g transform={`translate(${NODE.width - width - 8} -8)`} class={styles.errors}>
          <rect width={width} height="16" rx="8" />
          <text x={width / 2} y="12" text-anchor="middle">
            {failed}
          </text>
        </g>
      )}
      {itself > 0 && (
        <text class={styles.itself} x={NODE.width - 8} y="19" text-anchor="end">
          {itselfText(itself)}
        </text>
      )}
    </g>
  );
}

const itselfText = (itself: number) => `↻ ${compact(itself)}`;

/** Times that a node calls itself. */
function callsOfItself({ calls }: Part, at: number): number {
  return calls.find(({ from, to }) => from === at && to === at)?.count ?? 0;
}

function textOf(state: TraceState, graph: Graph, part: Part, node: Node) {
  const share = graph.self > 0 ? node.self / graph.self : 0;
  const figures = `×${compact(node.spans)} · self ${duration(node.self)} · ${percent(share)}`;
  const group = graph.groups[node.of ?? -1];
  if (!group) return { color: null, above: "Less self time", name: othersName(part), figures, itself: 0 };
  return {
    color: `var(--service-${state.model.slots[group.service]})`,
    above: state.skeleton.services[group.service] ?? "",
    name: operationName(state.model, group),
    figures,
    itself: callsOfItself(part, part.nodes.indexOf(node)),
  };
}

export const othersName = ({ others }: Part) => `${grouped(others)} more`;

/** All about a node in words. */
function labelOf(state: TraceState, graph: Graph, part: Part, node: Node, inFocus: InFocus | null): string {
  const { above, name, itself } = textOf(state, graph, part, node);
  const matching = inFocus && node.of !== null ? (inFocus.groups[node.of] ?? 0) : null;
  const facts = [
    node.of === null ? `${name} operations with less self time` : `${above} ${name}`,
    counted(node.spans, "span"),
    `self ${duration(node.self)} of ${duration(graph.self)} (${percent(graph.self > 0 ? node.self / graph.self : 0)})`,
    `${duration(node.total)} in total`,
    node.critical > 0 && `critical path ${duration(node.critical)}`,
    node.errors > 0 && counted(node.errors, "error"),
    itself > 0 && `calls itself ${counted(itself, "time")}`,
    matching !== null && `${grouped(matching)} match`,
  ];
  return facts.filter(Boolean).join(", ");
}

/** Canvases that measure text as the drawing shows it, by its size. */
const pens = new Map<number, CanvasRenderingContext2D | null>();

function penFor(size: number): CanvasRenderingContext2D | null {
  const known = pens.get(size);
  if (known) return known;
  const pen = document.createElement("canvas").getContext("2d");
  if (pen) pen.font = `${size === 13 ? 500 : 400} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  pens.set(size, pen);
  return pen;
}

const measured = (text: string, size: number) => penFor(size)?.measureText(text).width ?? 0;

function shortened(text: string, size: number, width: number): string {
  const pen = penFor(size);
  return pen ? fitted(pen, text, width) : text;
}
