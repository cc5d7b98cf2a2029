/** One trace: where did the time go, what failed. */
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import { fetchSkeleton, findSpans, type Skeleton } from "../api/trace.ts";
import { place, setQuery } from "../router.ts";
import { Icon } from "../shell/icons.tsx";
import { utc } from "../shell/settings.ts";
import { Failure, Progress, Waiting } from "../shell/states.tsx";
import { compact, counted, duration, exactDuration, percent } from "../text/numbers.ts";
import { clock, isoNanos } from "../text/times.ts";
import { Detail } from "./detail.tsx";
import { keys } from "./keys.ts";
import { Minimap } from "./minimap.tsx";
import styles from "./page.module.css";
import { TraceState } from "./state.ts";
import { Statistics } from "./statistics.tsx";
import { Waterfall } from "./waterfall.tsx";

export function TracePage({ id }: { id: string }) {
  const loader = useMemo(() => new Loader<Skeleton>(), []);
  const load = () => void loader.ask((signal) => fetchSkeleton(id, signal));
  useEffect(() => {
    loader.clear();
    load();
  }, [id]);
  const { value, error, loading } = loader.state.value;
  const state = useMemo(() => value && new TraceState(value), [value]);
  if (error instanceof ApiError && error.status === 404) return <NoTrace id={id} retry={load} />;
  return (
    <>
      <Progress loading={loading} />
      {error && (
        <div class={styles.message}>
          <Failure error={error} retry={load} />
        </div>
      )}
      {state ? <Trace state={state} /> : !error && <Waiting lines={16} />}
    </>
  );
}

function NoTrace({ id, retry }: { id: string; retry: () => void }) {
  return (
    <div class={styles.message}>
      <h1>There is no such trace</h1>
      <p class="secondary">
        No span of <code>{id}</code> is stored. It may not have been received yet, its retention may have
        ended, or it belongs to another tenant.
      </p>
      <button type="button" class="button" onClick={retry}>
        Look again
      </button>
    </div>
  );
}

function Trace({ state }: { state: TraceState }) {
  const view = place.value.query.get("view") ?? "waterfall";
  const find = useRef<HTMLInputElement>(null);
  useEffect(() => state.keepInAddress(), [state]);
  // Before the first paint: whoever sees the rows can use the keys.
  useLayoutEffect(() => keys(state, () => find.current?.focus()), [state]);
  const selected = state.selected.value;
  return (
    <div class={styles.page}>
      <Header state={state} />
      <Tools state={state} view={view} input={find} />
      {view === "waterfall" && <Minimap state={state} />}
      <div class={styles.body}>
        {view === "statistics" ? <Statistics state={state} /> : <Waterfall state={state} />}
        {selected !== null && <Detail state={state} position={selected} />}
      </div>
    </div>
  );
}

function Header({ state }: { state: TraceState }) {
  const { skeleton, duration: took, shares, depthMax, errors, orphans } = state.model;
  const service = skeleton.services[skeleton.serviceOf[0] ?? 0] ?? "";
  const name = skeleton.names[skeleton.nameOf[0] ?? 0] ?? "";
  const start = Number(skeleton.startUnixNanos / 1_000_000n);
  useEffect(() => {
    document.title = `${service} ${name} · ${duration(took)} · Spandrel`;
  }, [service, name, took]);
  return (
    <header class={styles.header}>
      <div class={styles.title}>
        <h1>
          {service} <span class="secondary">{name}</span>
        </h1>
        {errors.length > 0 && <span class={styles.failed}>ERROR</span>}
        <b title={exactDuration(took)}>{duration(took)}</b>
        <span class="secondary">
          {counted(skeleton.n, "span")} · {counted(shares.length, "service")} · depth {depthMax + 1}
        </span>
        <time class="secondary" title={isoNanos(skeleton.startUnixNanos)}>
          {clock(start, utc.value)}
        </time>
        <button
          type="button"
          class={`${styles.id} mono`}
          title="Copy the trace id"
          onClick={() => void navigator.clipboard?.writeText(skeleton.traceId)}
        >
          {skeleton.traceId.slice(0, 8)}…{skeleton.traceId.slice(-4)} <Icon name="copy" />
        </button>
      </div>
      <div class={styles.shares}>
        <Shares state={state} />
        {orphans.length > 0 && (
          <button
            type="button"
            class={`button quiet ${styles.orphans}`}
            title="Their parents were not received: a service that is not instrumented, was sampled differently, or has not sent yet"
            onClick={() => state.next(orphans, 1)}
          >
            <Icon name="warning" /> {counted(orphans.length, "span")} without parent
          </button>
        )}
      </div>
    </header>
  );
}

/** Whose time it was: of the critical path where only that is shown, of all spans otherwise. */
function Shares({ state }: { state: TraceState }) {
  const { criticalShares, shares, skeleton, slots } = state.model;
  const isCritical = state.criticalOnly.value;
  const parts = isCritical ? criticalShares : shares.map(({ service, self }) => ({ service, nanos: self }));
  const total = parts.reduce((sum, { nanos }) => sum + nanos, 0);
  const share = (nanos: number) => (total > 0 ? nanos / total : 0);
  return (
    <>
      <span class={styles.stripe} aria-hidden="true">
        {parts.map(({ service, nanos }) => (
          <span
            key={service}
            style={{ flexGrow: share(nanos), background: `var(--service-${slots[service]})` }}
          />
        ))}
      </span>
      <span class={styles.legend}>
        <span class="secondary">{isCritical ? "critical path" : "self time"}</span>
        {parts.slice(0, 6).map(({ service, nanos }) => (
          <span key={service}>
            <span class="swatch" style={{ background: `var(--service-${slots[service]})` }} />
            {skeleton.services[service]} {percent(share(nanos))}
          </span>
        ))}
        {parts.length > 6 && <span class="secondary">and {parts.length - 6} more</span>}
      </span>
    </>
  );
}

function Tools({
  state,
  view,
  input,
}: {
  state: TraceState;
  view: string;
  input: preact.RefObject<HTMLInputElement | null>;
}) {
  const { errors, errorOrigins } = state.model;
  const tab = (name: string, label: string) => (
    <button
      type="button"
      role="tab"
      class="button quiet"
      aria-selected={view === name}
      onClick={() => setQuery({ view: name === "waterfall" ? undefined : name })}
    >
      {label}
    </button>
  );
  const isWhole = state.zoom.value.from === state.whole.from && state.zoom.value.to === state.whole.to;
  const root = state.root.value;
  return (
    <div class={styles.tools}>
      <div role="tablist" aria-label="View">
        {tab("waterfall", "Waterfall")}
        {tab("statistics", "Statistics")}
      </div>
      <Find state={state} input={input} />
      {errors.length > 0 && (
        <button
          type="button"
          class="button"
          title="The deepest first (e)"
          onClick={() => state.next(errors, 1)}
        >
          <span class="error-text">{counted(errors.length, "error")}</span>
          <span class="secondary">{counted(errorOrigins, "origin")}</span>
        </button>
      )}
      {state.model.critical.size > 0 && (
        <button
          type="button"
          class="button"
          title="What the trace waited for (c)"
          aria-pressed={state.criticalOnly.value}
          onClick={() => {
            state.criticalOnly.value = !state.criticalOnly.value;
          }}
        >
          Critical path
        </button>
      )}
      {!isWhole && (
        <button type="button" class="button quiet" onClick={() => state.zoomAll()}>
          {duration(state.zoom.value.from)} – {duration(state.zoom.value.to)} ✕
        </button>
      )}
      {root !== null && (
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            state.root.value = null;
          }}
        >
          only {state.model.skeleton.names[state.model.skeleton.nameOf[root] ?? 0]} ✕
        </button>
      )}
      <span class={styles.space} />
      <button type="button" class="button quiet" title="Collapse all ([)" onClick={() => state.collapseAll()}>
        Collapse
      </button>
      <button type="button" class="button quiet" title="Expand all (])" onClick={() => state.expandAll()}>
        Expand
      </button>
      <a
        class="button quiet"
        href={`tempo/api/v2/traces/${state.model.skeleton.traceId}`}
        target="_blank"
        rel="noreferrer"
      >
        JSON
      </a>
    </div>
  );
}

/** Looks for words in names and services right away, and for TraceQL on the server. */
function Find({ state, input }: { state: TraceState; input: preact.RefObject<HTMLInputElement | null> }) {
  const text = useSignal(place.peek().query.get("f") ?? "");
  const loader = useMemo(() => new Loader<Set<string>>(), []);
  const look = (value: string) => {
    text.value = value;
    setQuery({ f: value || undefined });
    const words = value.trim().toLowerCase();
    if (words === "") {
      loader.clear();
      state.matches.value = null;
    } else if (words.startsWith("{")) {
      // A query that is still being written is no mistake yet.
      if (!words.endsWith("}")) return;
      void loader
        .ask((signal) => findSpans(state.model.skeleton.traceId, value, signal))
        .then(() => {
          const ids = loader.state.peek().value;
          if (ids) state.matches.value = positions(state, (i) => ids.has(state.spanId(i)));
        });
    } else {
      const { skeleton } = state.model;
      const named = skeleton.names.map((name) => name.toLowerCase().includes(words));
      const served = skeleton.services.map((service) => service.toLowerCase().includes(words));
      state.matches.value = positions(
        state,
        (i) =>
          named[skeleton.nameOf[i] ?? 0] || served[skeleton.serviceOf[i] ?? 0] || state.spanId(i) === words,
      );
    }
  };
  useEffect(() => {
    if (text.peek()) look(text.peek());
  }, [state]);
  const matches = state.matches.value;
  const at = matches?.indexOf(state.selected.value ?? -1) ?? -1;
  const { error } = loader.state.value;
  return (
    <div class={styles.find} role="search">
      <input
        ref={input}
        class="field"
        type="search"
        aria-label="Find in this trace"
        placeholder="Find words or { TraceQL }  /"
        value={text.value}
        onInput={(event) => look(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") state.next(matches ?? [], event.shiftKey ? -1 : 1);
          if (event.key === "Escape") event.currentTarget.blur();
          event.stopPropagation();
        }}
      />
      <span class="secondary" role="status">
        {error ? (
          <span class="error-text">{error.message}</span>
        ) : (
          matches && `${at >= 0 ? `${at + 1}/` : ""}${compact(matches.length)}`
        )}
      </span>
      {matches && matches.length > 0 && (
        <button
          type="button"
          class="button quiet"
          aria-pressed={state.hideOthers.value}
          onClick={() => {
            state.hideOthers.value = !state.hideOthers.value;
          }}
        >
          hide others
        </button>
      )}
    </div>
  );
}

function positions(state: TraceState, matches: (position: number) => boolean | undefined): number[] {
  const found: number[] = [];
  for (let i = 0; i < state.model.skeleton.n; i++) if (matches(i)) found.push(i);
  return found;
}
