/** The map as a drawing: callers left of whom they call. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Edge } from "../api/schema.ts";
import { href, place } from "../router.ts";
import { serviceLink } from "../service/links.ts";
import { serviceColor } from "../text/colors.ts";
import { counted, duration, percent, rate } from "../text/numbers.ts";
import { alarm, type Drawn, type Node, nodeLabel, share } from "./edges.ts";
import { layout } from "./layout.ts";
import styles from "./page.module.css";

const NODE = { width: 184, height: 44 };
const GAP = { x: 48, y: 12 };
/** A wide map becomes smaller, but not smaller than this. */
const SCALE_MIN = 0.7;
const MARGIN = 16;
/** The ring of a node: its share of errors. */
const RING = { x: 24, y: 22, r: 11 };
const AROUND = 2 * Math.PI * RING.r;

interface Point {
  readonly x: number;
  readonly y: number;
}

export function Drawing({ part, seconds, focus }: { part: Drawn; seconds: number; focus: string | null }) {
  const { edges, more } = part;
  const places = useMemo(() => layout(edges), [edges]);
  const nodes = useMemo(() => new Map(part.nodes.map((node) => [node.name, node])), [part]);
  const tallest = Math.max(...places.map(({ order }) => order)) + 1;
  const counts = new Map<number, number>();
  for (const { rank } of places) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  const at = new Map(
    places.map(({ name, rank, order }) => {
      const inset = ((tallest - (counts.get(rank) ?? 0)) * (NODE.height + GAP.y)) / 2;
      const point = {
        x: MARGIN + rank * (NODE.width + GAP.x),
        y: MARGIN + inset + order * (NODE.height + GAP.y),
      };
      return [name, point] as const;
    }),
  );
  const width = MARGIN * 2 + counts.size * (NODE.width + GAP.x) - GAP.x;
  const height = MARGIN * 2 + tallest * (NODE.height + GAP.y) - GAP.y;
  const busiest = Math.max(...edges.map(({ calls }) => calls), 1);
  const box = useRef<HTMLDivElement>(null);
  // All columns stand around the same middle; what is looked around is in sight.
  useEffect(() => {
    const { current } = box;
    if (!current) return;
    current.scrollTop = (current.scrollHeight - current.clientHeight) / 2;
    const point = focus === null ? undefined : at.get(focus);
    const scale = current.scrollWidth / width;
    current.scrollLeft = point ? (point.x + NODE.width / 2) * scale - current.clientWidth / 2 : 0;
  }, [part, focus]);
  return (
    <div ref={box} class={styles.drawing}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        style={{ width: "100%", minWidth: `${width * SCALE_MIN}px`, maxWidth: `${width}px` }}
        role="group"
        aria-label="Map; the table below has the same"
      >
        <clipPath id="node-name">
          <rect x="44" y="0" width={NODE.width - 50} height={NODE.height} />
        </clipPath>
        <clipPath id="node-name-short">
          <rect x="44" y="0" width={NODE.width - 78} height={NODE.height} />
        </clipPath>
        {edges.map((edge) => {
          const [from, to] = [at.get(edge.client), at.get(edge.server)];
          if (!from || !to || edge.client === edge.server) return null;
          return (
            <path
              key={`${edge.client} ${edge.server} ${edge.connection} ${edge.system}`}
              class={styles.edge}
              data-apart={focus !== null && edge.client !== focus && edge.server !== focus}
              style={{ "--alarm": `${alarm(share(edge))}%` }}
              d={curve(from, to)}
              stroke-width={1 + 5 * Math.sqrt(edge.calls / busiest)}
            >
              <title>{edgeText(edge, seconds)}</title>
            </path>
          );
        })}
        {places.map(({ name }) => {
          const node = nodes.get(name);
          const point = at.get(name);
          return node && point ? (
            <Box
              key={name}
              node={node}
              point={point}
              seconds={seconds}
              isFocus={name === focus}
              more={more.get(name) ?? 0}
            />
          ) : null;
        })}
      </svg>
    </div>
  );
}

function edgeText(edge: Edge, seconds: number): string {
  const figures = `${rate(edge.calls / seconds)}, ${percent(share(edge))} failed, p95 ${duration(edge.p95 ?? Number.NaN)}`;
  return `${edge.client} → ${edge.server || "unknown"} (${edge.system || edge.connection})\n${figures}`;
}

function curve(from: Point, to: Point): string {
  const [x0, y0] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x1, y1] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(40, Math.abs(x1 - x0) / 2);
  return `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
}

function Box({
  node,
  point,
  seconds,
  isFocus,
  more,
}: {
  node: Node;
  point: Point;
  seconds: number;
  isFocus: boolean;
  more: number;
}) {
  const query = new URLSearchParams(place.value.query);
  query.set("focus", node.name);
  const around = href("/map", query);
  const name = nodeLabel(node);
  const isService = node.kind === "service" && node.name !== "";
  const errors = share(node);
  const figures =
    node.kind === "user"
      ? "outside"
      : node.calls === 0
        ? "calls others"
        : `${rate(node.calls / seconds)}${errors > 0 ? ` · ${percent(errors)} err` : ""}`;
  const hidden = more > 0 ? `, ${counted(more, "neighbor")} more` : "";
  return (
    <g
      transform={`translate(${point.x} ${point.y})`}
      class={styles.node}
      data-focus={isFocus}
      data-kind={node.kind}
      data-node={node.name}
    >
      <a href={isService ? serviceLink(node.name) : around}>
        <title>{`${name} ${figures} (${node.kind})`}</title>
        <rect width={NODE.width} height={NODE.height} rx={isService ? 6 : NODE.height / 2} />
        <circle class={styles.ring} cx={RING.x} cy={RING.y} r={RING.r} />
        {errors > 0 && (
          <circle
            class={styles.errors}
            cx={RING.x}
            cy={RING.y}
            r={RING.r}
            stroke-dasharray={`${Math.max(1.5, errors * AROUND)} ${AROUND}`}
            transform={`rotate(-90 ${RING.x} ${RING.y})`}
          />
        )}
        <circle
          class={styles.core}
          cx={RING.x}
          cy={RING.y}
          r="5.5"
          style={isService ? { fill: serviceColor(node.name) } : undefined}
        />
        <text x="44" y="19" clip-path={`url(#node-name${more > 0 ? "-short" : ""})`}>
          {name}
        </text>
        <text x="44" y="34" class={styles.figures} data-failing={alarm(errors) >= 30}>
          {figures}
        </text>
      </a>
      <a href={around} class={styles.around} data-more={more > 0} aria-label={`Look around ${name}${hidden}`}>
        <title>{more > 0 ? `Look around it: ${counted(more, "neighbor")} more` : "Look around it"}</title>
        <rect x={NODE.width - 32} y="2" width="30" height={NODE.height / 2} rx="4" />
        <text x={NODE.width - 10} y="18" text-anchor="end" aria-hidden="true">
          {more > 0 ? `+${more}` : "◎"}
        </text>
      </a>
    </g>
  );
}
