/** Everything about the selected span, and what can be done with each value. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { isError, kindOf, type SpanDetail } from "../api/trace.ts";
import { Copy } from "../shell/copying.tsx";
import { Icon } from "../shell/icons.tsx";
import { Failure, Waiting } from "../shell/states.tsx";
import { duration, exactDuration, percent } from "../text/numbers.ts";
import { isoNanos } from "../text/times.ts";
import { Attributes, Plain, Values } from "./attributes.tsx";
import styles from "./detail.module.css";
import { exceptionOf } from "./events.ts";
import { Exception } from "./exception.tsx";
import { closeSpan } from "./focus.ts";
import { Links } from "./links.tsx";
import { type Outside, OutsideLinks, useOutside } from "./outside/links.tsx";
import { PeersOf } from "./peers.tsx";
import type { TraceState } from "./state.ts";

/** A span that is passed by on the way is not asked for. */
const PAUSE_MILLIS = 60;
/** When another span was chosen. */
let changedAt = Number.NEGATIVE_INFINITY;

export function Detail({ state, position }: { state: TraceState; position: number }) {
  const { skeleton } = state;
  const spanId = state.spanId(position);
  const loader = useMemo(() => new Loader<SpanDetail[]>(), []);
  const isIdentified = state.isIdentified.value;
  const load = () => {
    if (isIdentified) void loader.ask((signal) => state.source.spans([spanId], signal));
  };
  useEffect(() => {
    const since = performance.now() - changedAt;
    changedAt = performance.now();
    if (since > PAUSE_MILLIS) return load();
    const timer = setTimeout(load, PAUSE_MILLIS);
    return () => clearTimeout(timer);
  }, [spanId, skeleton.traceId, isIdentified]);
  const { value, error } = loader.state.value;
  // Several spans may share an id; the one that starts when this one does is meant.
  const start = skeleton.startUnixNanos + BigInt(Math.round(skeleton.starts[position] ?? 0));
  const detail = value?.find(
    ({ span }) => span.spanId === spanId && BigInt(span.startTimeUnixNano) === start,
  );
  return (
    <aside class={styles.panel} aria-label="Span">
      <Header state={state} position={position} />
      <Facts state={state} position={position} />
      <PeersOf
        service={state.service(position)}
        name={state.operation(position)}
        startMillis={Number(start / 1_000_000n)}
        nanos={Math.round(skeleton.durations[position] ?? 0)}
      />
      {isError(skeleton.flags[position] ?? 0) && (
        <p class={styles.error}>
          <b>Error</b> {detail?.span.status?.message}
          {state.model.origins.has(position) && (
            <span class="secondary"> No error below it explains this one: it began here.</span>
          )}
        </p>
      )}
      {error && <Failure error={error} retry={load} />}
      {detail ? (
        <Everything key={spanId} state={state} position={position} detail={detail} />
      ) : (
        !error && <Waiting lines={6} />
      )}
    </aside>
  );
}

function Header({ state, position }: { state: TraceState; position: number }) {
  return (
    <header class={styles.header}>
      <h2>
        <span
          class="swatch"
          style={{
            background: `var(--service-${state.model.slots[state.skeleton.serviceOf[position] ?? 0]})`,
          }}
        />
        {state.service(position)} <span class="secondary">{state.operation(position)}</span>
      </h2>
      <button
        type="button"
        class="button quiet"
        title="Only this span and what is below it (enter)"
        onClick={() => state.focus(position)}
      >
        Focus
      </button>
      <button
        type="button"
        class="button quiet"
        aria-label="Close"
        title="Close (esc)"
        onClick={() => closeSpan(state)}
      >
        <Icon name="close" />
      </button>
    </header>
  );
}

function Facts({ state, position }: { state: TraceState; position: number }) {
  const { skeleton, self, starts, skew, criticalTime, duration: all } = state.model;
  const took = skeleton.durations[position] ?? 0;
  const offset = skew.get(position) ?? 0;
  const critical = criticalTime[position] ?? 0;
  const fact = (name: string, nanos: number, text: string) => (
    <div title={exactDuration(nanos)}>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
  return (
    <>
      <dl class={styles.facts}>
        {fact("Duration", took, duration(took))}
        {fact("Self", self[position] ?? 0, duration(self[position] ?? 0))}
        {fact("Starts", starts[position] ?? 0, `+${duration(starts[position] ?? 0)}`)}
        {fact("Critical", critical, critical > 0 ? percent(all > 0 ? critical / all : 0) : "–")}
        <div>
          <dt>Kind</dt>
          <dd>{kindOf(skeleton.flags[position] ?? 0)}</dd>
        </div>
      </dl>
      {offset !== 0 && (
        <p class={styles.skew} title={exactDuration(offset)}>
          Its clock {offset > 0 ? "was behind" : "was ahead"} by {duration(Math.abs(offset))}; it is shown{" "}
          {state.adjusted.value ? "where its caller says that it was" : "as it was received"}.
        </p>
      )}
    </>
  );
}

const TABS = ["attributes", "events", "links", "raw"] as const;
type Tab = (typeof TABS)[number];

interface DetailProps {
  readonly state: TraceState;
  readonly position: number;
  readonly detail: SpanDetail;
}

function Everything({ state, position, detail }: DetailProps) {
  const { span } = detail;
  const outside = useOutside(state, position, detail);
  const tab = useSignal<Tab>("attributes");
  const list = useRef<HTMLDivElement>(null);
  const counts: Record<Tab, number | null> = {
    attributes: (span.attributes ?? []).length + detail.resource.length,
    events: (span.events ?? []).length,
    links: (span.links ?? []).length,
    raw: null,
  };
  const choose = (by: number) => {
    const next = TABS[(TABS.indexOf(tab.value) + by + TABS.length) % TABS.length] ?? "attributes";
    tab.value = next;
    list.current?.querySelector<HTMLElement>(`[data-tab=${next}]`)?.focus();
  };
  return (
    <>
      <OutsideLinks links={outside.links} />
      <div
        ref={list}
        role="tablist"
        aria-label="About the span"
        class={styles.tabs}
        onKeyDown={(event) => {
          if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
          event.stopPropagation();
          choose(event.key === "ArrowRight" ? 1 : -1);
        }}
      >
        {TABS.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            data-tab={name}
            tabIndex={tab.value === name ? 0 : -1}
            aria-selected={tab.value === name}
            onClick={() => {
              tab.value = name;
            }}
          >
            {name} {counts[name] !== null && <span class="secondary">{counts[name]}</span>}
          </button>
        ))}
      </div>
      <div class={styles.everything} role="tabpanel" aria-label={tab.value}>
        {tab.value === "attributes" && <About state={state} detail={detail} outside={outside} />}
        {tab.value === "events" && <Events detail={detail} outside={outside} />}
        {tab.value === "links" && <Links span={span} />}
        {tab.value === "raw" && <Raw detail={detail} />}
      </div>
    </>
  );
}

function About({
  state,
  detail: { span, resource, scope },
  outside,
}: Omit<DetailProps, "position"> & { outside: Outside }) {
  const text = useSignal("");
  const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
  return (
    <>
      <input
        class={`field ${styles.filter}`}
        type="search"
        aria-label="Attributes with this text"
        placeholder="Filter attributes"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <Attributes
        title="Span"
        scope="span"
        attributes={span.attributes ?? []}
        state={state}
        wanted={text.value}
        outside={outside}
      />
      <Attributes
        title="Resource"
        scope="resource"
        attributes={resource}
        state={state}
        wanted={text.value}
        outside={outside}
      />
      <section>
        <h3>Identity and time</h3>
        <table class={`${styles.values} ${styles.plain}`}>
          <tbody>
            <Plain name="span id" value={span.spanId} />
            {span.parentSpanId && <Plain name="parent" value={span.parentSpanId} />}
            <Plain name="start" value={isoNanos(start)} />
            <Plain name="end" value={isoNanos(end)} />
            <Plain name="duration" value={exactDuration(Number(end - start))} />
            {span.traceState && <Plain name="trace state" value={span.traceState} />}
            {scope.name && <Plain name="scope" value={`${scope.name} ${scope.version}`.trim()} />}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Events({ detail: { span }, outside }: { detail: SpanDetail; outside: Outside }) {
  const events = span.events ?? [];
  if (events.length === 0) return <p class="secondary">Nothing was recorded while it ran.</p>;
  return (
    <>
      {events.map(({ timeUnixNano, name = "", attributes = [] }, i) => {
        const exception = exceptionOf({ name, attributes });
        return (
          <section key={i} class={styles.event}>
            <time class="secondary" title={isoNanos(BigInt(timeUnixNano))}>
              +{duration(Number(BigInt(timeUnixNano) - BigInt(span.startTimeUnixNano)))}
            </time>{" "}
            {exception ? <Exception exception={exception} /> : <b>{name}</b>}
            {!exception && (
              <Values attributes={attributes} linksAt={(key) => outside.at("event", key, attributes)} />
            )}
          </section>
        );
      })}
    </>
  );
}

function Raw({ detail }: { detail: SpanDetail }) {
  const text = JSON.stringify(detail, null, 2);
  return (
    <div class={styles.rawBox}>
      <span class={styles.actions}>
        <Copy text={text} what="the span as JSON" />
      </span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <pre class={styles.raw} tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}
