/** What all matching traces have in common: one tree of who calls whom, with its times and errors. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { StructureNode, Structure as Value } from "../api/schema.ts";
import { useTextOf } from "../query/bar.tsx";
import { QueryEditor } from "../query/editor.tsx";
import { href, place, setQuery } from "../router.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
import { serviceColor } from "../text/colors.ts";
import { counted, duration, percent } from "../text/numbers.ts";
import { fetchStructure } from "./answers.ts";
import { Icicle } from "./icicle.tsx";
import { findPath, pathOf, queryOf, type Shade, type Width } from "./model.ts";
import styles from "./structure.module.css";
import { StructureTable } from "./table.tsx";

const LIMIT = 1000;
const LIMIT_MAX = 10_000;

export function Structure() {
  const { query } = place.value;
  const q = query.get("q") ?? "{}";
  const limit = Math.min(LIMIT_MAX, Math.max(1, Number(query.get("limit")) || LIMIT));
  const range = timeRange.value;
  const loader = useMemo(() => new Loader<Value>(), []);
  const load = () => void loader.ask((signal) => fetchStructure(q, range, limit, signal));
  useEffect(load, [q, range, limit]);
  useEffect(() => {
    document.title = `Structure of ${q} · Spandrel`;
  }, [q]);
  const { value, error, loading } = loader.state.value;
  return (
    <div class={styles.page}>
      <Progress loading={loading} />
      <Query q={q} />
      {error && (
        <div class={styles.message}>
          <Failure error={error} retry={load} kept={value !== null} />
        </div>
      )}
      {!value && !error && (
        <div class={styles.message}>
          <Waiting lines={12} />
        </div>
      )}
      {value && value.nodes.length === 0 && (
        <p class={styles.message}>
          No trace matches <code>{q}</code> in this time. Choose a wider range, or{" "}
          <a href={href("/structure")}>look at all traces</a>.
        </p>
      )}
      {value && value.nodes.length > 0 && <RollUp value={value} limit={limit} />}
    </div>
  );
}

function Query({ q }: { q: string }) {
  const text = useTextOf(q);
  const run = () => {
    if (text.value.trim() === q) refresh();
    else setQuery({ q: text.value.trim() || "{}", node: undefined, focus: undefined }, { replace: false });
  };
  return (
    <form
      class={styles.query}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <QueryEditor text={text} label="TraceQL" run={run} range={timeRange.value} />
      <button type="submit" class="button primary">
        Run
      </button>
    </form>
  );
}

const WIDTHS: readonly (readonly [Width, string])[] = [
  ["time", "Time"],
  ["count", "Spans"],
];
const SHADES: readonly (readonly [Shade, string])[] = [
  ["errors", "Errors"],
  ["origins", "Error origin"],
  ["p95", "p95"],
];

function RollUp({ value, limit }: { value: Value; limit: number }) {
  const { query } = place.value;
  const { nodes } = value;
  const width = WIDTHS.find(([name]) => name === query.get("width"))?.[0] ?? "time";
  const shade = SHADES.find(([name]) => name === query.get("color"))?.[0] ?? "errors";
  const isTable = query.get("view") === "table";
  const focus = findPath(nodes, query.get("focus"));
  const selected = findPath(nodes, query.get("node"));
  const select = (at: number | null) => setQuery({ node: at === null ? undefined : pathOf(nodes, at) });
  const zoom = (at: number | null) =>
    setQuery(
      {
        focus: at === null ? undefined : pathOf(nodes, at),
        node: at === null ? undefined : pathOf(nodes, at),
      },
      { replace: false },
    );
  return (
    <>
      <div class={styles.tools}>
        <Choice
          label="View"
          options={[
            ["icicle", "Icicle"],
            ["table", "Table"],
          ]}
          value={isTable ? "table" : "icicle"}
          set={(view) => setQuery({ view: view === "table" ? view : undefined })}
        />
        {!isTable && (
          <>
            <Choice
              label="Width"
              options={WIDTHS}
              value={width}
              set={(value) => setQuery({ width: value === "time" ? undefined : value })}
            />
            <Choice
              label="Color"
              options={SHADES}
              value={shade}
              set={(value) => setQuery({ color: value === "errors" ? undefined : value })}
            />
            <span class={styles.legend} data-shade={shade}>
              {shade === "p95" ? "fast" : "none"} <span /> {shade === "p95" ? "slow" : "all"}
            </span>
          </>
        )}
        <span class={styles.space} />
        <span class="secondary" role="status">
          {counted(value.traces, "trace")} · {counted(value.spans, "span")} · {counted(nodes.length, "place")}
        </span>
      </div>
      <LeftOut value={value} limit={limit} />
      {focus !== null && !isTable && <Crumbs nodes={nodes} at={focus} zoom={zoom} />}
      <div class={styles.columns}>
        <div class={styles.main}>
          {isTable ? (
            <StructureTable nodes={nodes} by={query.get("by")} select={select} />
          ) : (
            <Icicle
              nodes={nodes}
              width={width}
              shade={shade}
              focus={focus}
              selected={selected}
              select={select}
              zoom={zoom}
            />
          )}
        </div>
        {(selected !== null || !isTable) && (
          <Node nodes={nodes} at={selected} zoom={zoom} close={() => select(null)} />
        )}
      </div>
    </>
  );
}

function LeftOut({ value, limit }: { value: Value; limit: number }) {
  const { leftOut, leftOutMore, spansLeftOut } = value;
  if (value.complete && leftOut === 0 && !leftOutMore) return null;
  return (
    <div class={`notice warning ${styles.notice}`} role="status">
      <span>
        {leftOut > 0 || leftOutMore
          ? `The newest ${counted(value.traces, "trace")} only, ${leftOutMore ? "at least " : ""}${counted(leftOut, "other")} match too.`
          : ""}
        {spansLeftOut > 0 && ` ${counted(spansLeftOut, "span")} are at places beyond those that are counted.`}
      </span>
      {limit < LIMIT_MAX && (
        <button
          type="button"
          class="button"
          onClick={() => setQuery({ limit: String(Math.min(LIMIT_MAX, limit * 4)) })}
        >
          Take more
        </button>
      )}
    </div>
  );
}

function Choice<Name extends string>({
  label,
  options,
  value,
  set,
}: {
  label: string;
  options: readonly (readonly [Name, string])[];
  value: Name;
  set: (value: Name) => void;
}) {
  return (
    <div role="radiogroup" aria-label={label} class={styles.choice}>
      <span class={styles.label}>{label}</span>
      {options.map(([name, says]) => (
        <button
          key={name}
          type="button"
          role="radio"
          class="button quiet"
          aria-checked={value === name}
          onClick={() => set(name)}
        >
          {says}
        </button>
      ))}
    </div>
  );
}

function Crumbs({
  nodes,
  at,
  zoom,
}: {
  nodes: readonly StructureNode[];
  at: number;
  zoom: (at: number | null) => void;
}) {
  const above: number[] = [];
  for (let i = nodes[at]?.parent ?? -1; i >= 0; i = nodes[i]?.parent ?? -1) above.unshift(i);
  return (
    <nav class={styles.crumbs} aria-label="What is shown">
      <button type="button" class="button quiet" onClick={() => zoom(null)}>
        all
      </button>
      {above.map((i) => (
        <button key={i} type="button" class="button quiet" onClick={() => zoom(i)}>
          {nodes[i]?.name}
        </button>
      ))}
      <span>{nodes[at]?.name}</span>
    </nav>
  );
}

/** Everything about one place, and the way to its spans. */
function Node({
  nodes,
  at,
  zoom,
  close,
}: {
  nodes: readonly StructureNode[];
  at: number | null;
  zoom: (at: number) => void;
  close: () => void;
}) {
  const node = at === null ? undefined : nodes[at];
  if (at === null || !node) {
    return (
      <aside class={styles.node} aria-label="Place">
        <p class={styles.hint}>
          Each box is a place in the traces: the same operations from the root down to it. Choose one to see
          its figures and examples; a double click, or Enter, shows only what is below it.
        </p>
      </aside>
    );
  }
  const { query } = place.value;
  const search = (condition?: string) =>
    href("/search", {
      q: queryOf(nodes, at, condition),
      from: query.get("from") ?? undefined,
      to: query.get("to") ?? undefined,
    });
  const figures: readonly (readonly [string, string])[] = [
    ["Spans", node.spans.toLocaleString("en")],
    ["Traces", node.traces.toLocaleString("en")],
    ["Per trace", (node.spans / Math.max(1, node.traces)).toFixed(1)],
    ["p50", duration(node.p50)],
    ["p95", duration(node.p95)],
    ["Total", duration(node.totalNanos)],
    ["Self", duration(node.selfNanos)],
    ["Errors", `${node.errors.toLocaleString("en")} (${percent(node.errors / Math.max(1, node.spans))})`],
    ["Error origins", node.errorOrigins.toLocaleString("en")],
  ];
  return (
    <aside class={styles.node} aria-label="Place">
      <header>
        <h2>
          <span class="swatch" style={{ background: serviceColor(node.service) }} />
          {node.service} <span class="secondary">{node.name}</span>
        </h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={close}>
          ✕
        </button>
      </header>
      <p class="secondary">{node.kind}</p>
      <dl>
        {figures.map(([label, text]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <div class={styles.actions}>
        <a class="button primary" href={search()}>
          Find these spans
        </a>
        {node.errors > 0 && (
          <a class="button" href={search("status = error")}>
            Failed ones
          </a>
        )}
        <button type="button" class="button" onClick={() => zoom(at)}>
          Only below
        </button>
      </div>
      <h3>Examples</h3>
      <ul>
        {node.examples.map(({ traceId, spanId }) => (
          <li key={`${traceId} ${spanId}`}>
            <a class="mono" href={href(`/trace/${traceId}`, { span: spanId })}>
              {traceId.slice(0, 16)}…
            </a>
          </li>
        ))}
      </ul>
    </aside>
  );
}
