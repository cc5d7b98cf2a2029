/** Which services call which others, and where it fails. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { href, place, setQuery } from "../router.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { compact, counted, duration, percent, rate } from "../text/numbers.ts";
import { quoted } from "../traceql.ts";
import { drawn, type Edge, fetchMap, type Node, nodesOf, type ServiceMap } from "./edges.ts";
import { layout } from "./layout.ts";
import styles from "./page.module.css";

const NODES_MAX = 150;
const NODE = { width: 148, height: 40 };
const GAP = { x: 84, y: 20 };
const MARGIN = 16;
/** A share of errors from which an edge is pointed out. */
const ATTENTION = 0.01;

export function MapPage() {
  const range = timeRange.value;
  const focus = place.value.query.get("focus");
  const loader = useMemo(() => new Loader<ServiceMap>(), []);
  const load = () => void loader.ask((signal) => fetchMap(range, signal));
  useEffect(load, [range]);
  useEffect(() => {
    document.title = "Service map · Spandrel";
  }, []);
  const { value, error, loading } = loader.state.value;
  const seconds = (range.to - range.from) / 1e3;
  const { edges, hidden } = useMemo(() => drawn(value?.edges ?? [], focus, NODES_MAX), [value, focus]);
  return (
    <>
      <Progress loading={loading} />
      <div class={styles.page}>
        <header class={styles.header}>
          <h1>Service map</h1>
          {value && (
            <span class="secondary">
              {counted(nodesOf(edges).length, "node")}, {counted(edges.length, "edge")}
            </span>
          )}
          {focus && (
            <button type="button" class="button" onClick={() => setQuery({ focus: undefined })}>
              around {focus} ✕
            </button>
          )}
          {hidden > 0 && (
            <span class="secondary">
              {counted(hidden, "node")} more{" "}
              {focus ? "farther away" : "with fewer calls; choose one to look around it"}
            </span>
          )}
          {value && value.leftOut > 0 && (
            <span class="secondary">{counted(value.leftOut, "edge")} left out</span>
          )}
        </header>
        {error && <Failure error={error} retry={load} />}
        {!value && !error && <Waiting lines={10} />}
        {value && edges.length === 0 && <p class="secondary">No calls between services in this time.</p>}
        {edges.length > 0 && <Drawing edges={edges} seconds={seconds} focus={focus} />}
        {edges.length > 0 && <List edges={edges} seconds={seconds} />}
      </div>
    </>
  );
}

function Drawing({
  edges,
  seconds,
  focus,
}: {
  edges: readonly Edge[];
  seconds: number;
  focus: string | null;
}) {
  const places = useMemo(() => layout(edges), [edges]);
  const nodes = useMemo(() => new Map(nodesOf(edges).map((node) => [node.name, node])), [edges]);
  const tallest = Math.max(...places.map(({ order }) => order)) + 1;
  const counts = new Map<number, number>();
  for (const { rank } of places) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  const at = new Map(
    places.map(({ name, rank, order }) => {
      const inset = ((tallest - (counts.get(rank) ?? 0)) * (NODE.height + GAP.y)) / 2;
      return [
        name,
        { x: MARGIN + rank * (NODE.width + GAP.x), y: MARGIN + inset + order * (NODE.height + GAP.y) },
      ] as const;
    }),
  );
  const width = MARGIN * 2 + counts.size * (NODE.width + GAP.x) - GAP.x;
  const height = MARGIN * 2 + tallest * (NODE.height + GAP.y) - GAP.y;
  const busiest = Math.max(...edges.map(({ calls }) => calls), 1);
  return (
    <div class={styles.drawing}>
      <svg width={width} height={height} role="group" aria-label="Map; the table below has the same">
        {edges.map((edge) => {
          const [from, to] = [at.get(edge.client), at.get(edge.server)];
          if (!from || !to || edge.client === edge.server) return null;
          return (
            <path
              key={`${edge.client} ${edge.server} ${edge.connection}`}
              class={styles.edge}
              data-failing={share(edge) >= ATTENTION}
              data-apart={focus !== null && edge.client !== focus && edge.server !== focus}
              d={curve(from, to)}
              stroke-width={1 + 4 * Math.sqrt(edge.calls / busiest)}
            >
              <title>{`${edge.client} → ${edge.server}: ${rate(edge.calls / seconds)}, ${percent(share(edge))} failed, p95 ${duration(edge.p95 ?? Number.NaN)}`}</title>
            </path>
          );
        })}
        {places.map(({ name }) => {
          const node = nodes.get(name);
          const place = at.get(name);
          return node && place ? (
            <Box key={name} node={node} {...place} seconds={seconds} isFocus={name === focus} />
          ) : null;
        })}
      </svg>
    </div>
  );
}

const share = ({ calls, errors }: { calls: number; errors: number }) => (calls > 0 ? errors / calls : 0);

function curve(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const [x0, y0] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x1, y1] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(40, Math.abs(x1 - x0) / 2);
  return `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
}

function Box({
  node,
  x,
  y,
  seconds,
  isFocus,
}: {
  node: Node;
  x: number;
  y: number;
  seconds: number;
  isFocus: boolean;
}) {
  const failing = share(node) >= ATTENTION;
  const query = new URLSearchParams(place.value.query);
  query.set("focus", node.name);
  return (
    <a href={href("/map", query)} aria-label={`${node.name || "unknown"}, ${node.kind}`}>
      <g transform={`translate(${x} ${y})`} class={styles.node} data-focus={isFocus} data-kind={node.kind}>
        <title>{`${node.name || "unknown"} (${node.kind})`}</title>
        <rect width={NODE.width} height={NODE.height} rx={node.kind === "service" ? 6 : 20} />
        {node.kind === "service" && (
          <rect
            class={styles.color}
            width="4"
            height={NODE.height - 12}
            x="6"
            y="6"
            rx="1"
            style={{ fill: serviceColor(node.name) }}
          />
        )}
        <text x="18" y="17">
          {shortened(node.name || "unknown")}
        </text>
        <text x="18" y="32" class={styles.figures} data-failing={failing}>
          {node.kind === "user"
            ? "outside"
            : `${rate(node.calls / seconds)}${failing ? ` · ${percent(share(node))} failed` : ""}`}
        </text>
      </g>
    </a>
  );
}

const shortened = (name: string) => (name.length > 19 ? `${name.slice(0, 18)}…` : name);

function List({ edges, seconds }: { edges: readonly Edge[]; seconds: number }) {
  const sorted = [...edges].sort((a, b) => share(b) - share(a) || b.calls - a.calls);
  return (
    <table class="grid">
      <thead>
        <tr>
          <th>From</th>
          <th>To</th>
          <th>Kind</th>
          <th class="numeric">Calls</th>
          <th class="numeric">Rate</th>
          <th class="numeric">Errors</th>
          <th class="numeric">p50</th>
          <th class="numeric">p95</th>
          <th class="numeric">p99</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((edge) => (
          <tr key={`${edge.client} ${edge.server} ${edge.connection} ${edge.system}`}>
            <td>
              {edge.connection === "user" ? (
                <span class="secondary">{edge.client}</span>
              ) : (
                <Service name={edge.client} />
              )}
            </td>
            <td>
              {edge.connection === "direct" || edge.connection === "user" ? (
                <Service name={edge.server} />
              ) : (
                edge.server || "unknown"
              )}
            </td>
            <td class="secondary">{edge.system || edge.connection}</td>
            <td class="numeric">{compact(Math.round(edge.calls))}</td>
            <td class="numeric">{rate(edge.calls / seconds)}</td>
            <td class={`numeric ${share(edge) >= ATTENTION ? "error-text" : ""}`}>{percent(share(edge))}</td>
            {[edge.p50, edge.p95, edge.p99].map((nanos, i) => (
              <td key={i} class="numeric">
                {duration(nanos ?? Number.NaN)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Service({ name }: { name: string }) {
  return (
    <a href={href("/search", { q: `{ resource.service.name = ${quoted(name)} }` })}>
      <span class="swatch" style={{ background: serviceColor(name) }} />
      {name}
    </a>
  );
}
