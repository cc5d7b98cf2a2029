/** Two traces: what one does that the other does not, and where the time went. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import type { DiffNode, TraceDiff, Typical } from "../api/schema.ts";
import { fetchSkeleton, type Skeleton } from "../api/trace.ts";
import { traceId } from "../legacy-urls.ts";
import { href, navigate, place, setQuery } from "../router.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { serviceColor } from "../text/colors.ts";
import { counted, duration, exactDuration } from "../text/numbers.ts";
import { fetchDiff, fetchTypical } from "./answers.ts";
import styles from "./diff.module.css";
import { changesOf, parentsOf, relative } from "./diff-model.ts";
import { DiffTable } from "./diff-table.tsx";
import { DiffTree, signed } from "./diff-tree.tsx";
import { SideBySide } from "./side-by-side.tsx";

/** Stands in an address for the trace that is usual for the other's root. */
const TYPICAL = "typical";

export function ComparedTraces({ a, b }: { a: string; b: string }) {
  if (b === TYPICAL) return <WithTypical id={a} />;
  return <Compared key={`${a} ${b}`} a={a} b={b} />;
}

/** Looks for the usual trace and goes on to the comparison with it. */
function WithTypical({ id }: { id: string }) {
  const loader = useMemo(() => new Loader<Typical>(), []);
  const load = () =>
    void loader
      .ask((signal) => fetchTypical(id, signal))
      .then(() => {
        const typical = loader.state.peek().value;
        if (typical)
          navigate(href(`/trace/${id}...${typical.traceId}`, place.peek().query), { replace: true });
      });
  useEffect(load, [id]);
  const { error, loading } = loader.state.value;
  if (error instanceof ApiError && error.status === 404) {
    return (
      <div class={styles.message}>
        <h1>There is nothing to compare with</h1>
        <p class="secondary">
          No other trace starts with the same service and operation within an hour of{" "}
          <a href={href(`/trace/${id}`)}>
            <code>{id}</code>
          </a>
          , or this trace is not stored.
        </p>
        <button type="button" class="button" onClick={load}>
          Look again
        </button>
      </div>
    );
  }
  return (
    <>
      <Progress loading={loading} />
      {error ? (
        <div class={styles.message}>
          <Failure error={error} retry={load} />
        </div>
      ) : (
        <div class={styles.message}>
          <Waiting lines={14} />
        </div>
      )}
    </>
  );
}

function Compared({ a, b }: { a: string; b: string }) {
  const loader = useMemo(() => new Loader<TraceDiff>(), []);
  const load = () => void loader.ask((signal) => fetchDiff(a, b, signal));
  useEffect(load, [a, b]);
  const { value, error, loading } = loader.state.value;
  return (
    <div class={styles.page}>
      <Progress loading={loading} />
      {error && (
        <div class={styles.message}>
          {error instanceof ApiError && error.status === 404 && <h1>One of the traces is not there</h1>}
          <Failure error={error} retry={load} kept={value !== null} />
          <p>
            <a href={href(`/trace/${a}`)}>Trace A</a> · <a href={href(`/trace/${b}`)}>Trace B</a>
          </p>
        </div>
      )}
      {value ? (
        <Difference diff={value} />
      ) : (
        !error && (
          <div class={styles.message}>
            <Waiting lines={16} />
          </div>
        )
      )}
    </div>
  );
}

const VIEWS = [
  ["diff", "Diff tree"],
  ["side", "Side by side"],
  ["table", "Table"],
] as const;

function Difference({ diff }: { diff: TraceDiff }) {
  const { query } = place.value;
  const view = VIEWS.find(([name]) => name === query.get("view"))?.[0] ?? "diff";
  const changedOnly = query.get("changed") === "1";
  const collapsed = useSignal<ReadonlySet<number>>(new Set());
  return (
    <>
      <Header diff={diff} />
      <div class={styles.tools}>
        <div role="tablist" aria-label="View">
          {VIEWS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              role="tab"
              class="button quiet"
              aria-selected={view === name}
              onClick={() => setQuery({ view: name === "diff" ? undefined : name })}
            >
              {label}
            </button>
          ))}
        </div>
        <label class={styles.switch}>
          <input
            type="checkbox"
            checked={changedOnly}
            onChange={(event) => setQuery({ changed: event.currentTarget.checked ? "1" : undefined })}
          />
          changed only
        </label>
        <span class={styles.space} />
        <Changes diff={diff} />
        {view !== "table" && (
          <>
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                collapsed.value = parentsOf(diff);
              }}
            >
              Collapse
            </button>
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                collapsed.value = new Set();
              }}
            >
              Expand
            </button>
          </>
        )}
      </div>
      {view === "diff" && <DiffTree diff={diff} changedOnly={changedOnly} collapsed={collapsed} />}
      {view === "side" && <Waterfalls diff={diff} changedOnly={changedOnly} collapsed={collapsed} />}
      {view === "table" && <DiffTable diff={diff} changedOnly={changedOnly} by={query.get("by")} />}
    </>
  );
}

/** The waterfalls need to know when each span ran. */
function Waterfalls(props: Omit<Parameters<typeof SideBySide>[0], "a" | "b">) {
  const { a, b } = props.diff;
  const loader = useMemo(() => new Loader<readonly [Skeleton, Skeleton]>(), []);
  const load = () =>
    void loader.ask((signal) =>
      Promise.all([fetchSkeleton(a.traceId, signal), fetchSkeleton(b.traceId, signal)]),
    );
  useEffect(load, [a.traceId, b.traceId]);
  const { value, error } = loader.state.value;
  if (error)
    return (
      <div class={styles.message}>
        <Failure error={error} retry={load} />
      </div>
    );
  if (!value)
    return (
      <div class={styles.message}>
        <Waiting lines={14} />
      </div>
    );
  return <SideBySide {...props} a={value[0]} b={value[1]} />;
}

function Header({ diff }: { diff: TraceDiff }) {
  const { a, b, nodes } = diff;
  const apart = a.durationNanos - b.durationNanos;
  const share = relative(a.durationNanos, b.durationNanos);
  const root = (side: "a" | "b") => nodes.find((node) => node.parent < 0 && node[side]);
  useEffect(() => {
    document.title = `${root("a")?.name ?? "A"} ⇄ ${root("b")?.name ?? "B"} · Spandrel`;
  }, [diff]);
  const { query } = place.value;
  return (
    <header class={styles.header}>
      <h1 class="visually-hidden">Two traces compared</h1>
      <Trace letter="A" facts={a} root={root("a")} />
      <a
        class="button quiet"
        href={href(`/trace/${b.traceId}...${a.traceId}`, query)}
        aria-label="Exchange A and B"
        title="Exchange A and B"
      >
        ⇄
      </a>
      <Trace letter="B" facts={b} root={root("b")} />
      <div class={styles.delta} data-way={apart > 0 ? "slower" : apart < 0 ? "faster" : undefined}>
        <span class={styles.small}>A − B</span>
        <b title={exactDuration(apart)}>{signed(apart)}</b>
        {share !== null && (
          <span class="secondary">
            {share > 0 ? "+" : share < 0 ? "−" : ""}
            {Math.abs(Math.round(share * 100)).toLocaleString("en")} %
          </span>
        )}
      </div>
      <span class={styles.space} />
      <Other a={a.traceId} />
    </header>
  );
}

function Trace({
  letter,
  facts,
  root,
}: {
  letter: "A" | "B";
  facts: TraceDiff["a"];
  root: DiffNode | undefined;
}) {
  return (
    <a class={styles.trace} href={href(`/trace/${facts.traceId}`)}>
      <span class={styles.letter} data-side={letter}>
        {letter}
      </span>
      <span class={styles.facts}>
        <span class={styles.root}>
          {root && <span class="swatch" style={{ background: serviceColor(root.service) }} />}
          <b>{root?.service ?? "root not received"}</b> <span class="secondary">{root?.name}</span>
        </span>
        <span class={styles.figures}>
          <b title={exactDuration(facts.durationNanos)}>{duration(facts.durationNanos)}</b>
          <span class="secondary">{counted(facts.spans, "span")}</span>
          {facts.errors > 0 && <span class="error-text">! {counted(facts.errors, "error")}</span>}
          <code class="secondary">
            {facts.traceId.slice(0, 8)}…{facts.traceId.slice(-4)}
          </code>
        </span>
      </span>
    </a>
  );
}

/** Another trace in the place of B. */
function Other({ a }: { a: string }) {
  const wrong = useSignal(false);
  return (
    <form
      class={styles.other}
      onSubmit={(event) => {
        event.preventDefault();
        const field = event.currentTarget.elements.namedItem("other") as HTMLInputElement;
        const id = traceId(field.value);
        wrong.value = id === null;
        if (id) navigate(href(`/trace/${a}...${id}`, place.peek().query));
      }}
    >
      <a class="button" href={href(`/trace/${a}...${TYPICAL}`)}>
        Typical trace as B
      </a>
      <input
        name="other"
        class="field mono"
        aria-label="Id of another trace as B"
        aria-invalid={wrong.value}
        placeholder="id of another B"
        spellcheck={false}
        autocomplete="off"
      />
      {wrong.value && (
        <span class="error-text" role="alert">
          This is no trace id
        </span>
      )}
    </form>
  );
}

function Changes({ diff }: { diff: TraceDiff }) {
  const { added, removed, changed, slower, faster } = changesOf(diff);
  return (
    <span class="secondary" role="status">
      {removed} only in A · {added} only in B · {changed} called or failing differently · {slower} slower ·{" "}
      {faster} faster
    </span>
  );
}
