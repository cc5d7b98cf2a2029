/** Everything about the selected span, and what can be done with each value. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import {
  fetchSpans,
  isError,
  type KeyValue,
  kindOf,
  type SpanDetail,
  valueLiteral,
  valueText,
} from "../api/trace.ts";
import { href } from "../router.ts";
import { Icon } from "../shell/icons.tsx";
import { Failure } from "../shell/states.tsx";
import { duration, exactDuration } from "../text/numbers.ts";
import { isoNanos } from "../text/times.ts";
import { attribute } from "../traceql.ts";
import styles from "./detail.module.css";
import type { TraceState } from "./state.ts";

export function Detail({ state, position }: { state: TraceState; position: number }) {
  const { skeleton, slots, self } = state.model;
  const spanId = state.spanId(position);
  const loader = useMemo(() => new Loader<SpanDetail[]>(), []);
  const load = () => void loader.ask((signal) => fetchSpans(skeleton.traceId, spanId, signal));
  useEffect(load, [spanId, skeleton.traceId]);
  const { value, error } = loader.state.value;
  // Several spans may share an id; the one that starts when this one does is meant.
  const start = skeleton.startUnixNanos + BigInt(Math.round(skeleton.starts[position] ?? 0));
  const detail = value?.find(
    ({ span }) => span.spanId === spanId && BigInt(span.startTimeUnixNano) === start,
  );
  const service = skeleton.services[skeleton.serviceOf[position] ?? 0] ?? "";
  const flags = skeleton.flags[position] ?? 0;
  const took = skeleton.durations[position] ?? 0;
  return (
    <aside class={styles.panel} aria-label="Span">
      <header class={styles.header}>
        <h2>
          <span
            class="swatch"
            style={{ background: `var(--service-${slots[skeleton.serviceOf[position] ?? 0]})` }}
          />
          {service} <span class="secondary">{skeleton.names[skeleton.nameOf[position] ?? 0]}</span>
        </h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={() => state.select(null)}>
          <Icon name="close" />
        </button>
      </header>
      <dl class={styles.facts}>
        <Fact name="Duration" title={exactDuration(took)}>
          {duration(took)}
        </Fact>
        <Fact name="Self" title={exactDuration(self[position] ?? 0)}>
          {duration(self[position] ?? 0)}
        </Fact>
        <Fact name="Starts" title={isoNanos(start)}>
          +{duration(skeleton.starts[position] ?? 0)}
        </Fact>
        <Fact name="Kind">{kindOf(flags)}</Fact>
      </dl>
      {isError(flags) && (
        <p class={styles.error}>
          <b>Error</b> {detail?.span.status?.message}
        </p>
      )}
      {error && <Failure error={error} retry={load} />}
      {detail && <Everything detail={detail} />}
    </aside>
  );
}

function Fact({
  name,
  title,
  children,
}: {
  name: string;
  title?: string;
  children: preact.ComponentChildren;
}) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Everything({ detail: { span, resource, scope } }: { detail: SpanDetail }) {
  return (
    <div class={styles.everything}>
      <Attributes title="Attributes" scope="span" attributes={span.attributes ?? []} />
      {(span.events ?? []).length > 0 && (
        <section>
          <h3>Events</h3>
          {(span.events ?? []).map((event) => (
            <details key={`${event.timeUnixNano}${event.name}`} open>
              <summary>
                +{duration(Number(BigInt(event.timeUnixNano) - BigInt(span.startTimeUnixNano)))}{" "}
                <b>{event.name}</b>
              </summary>
              <Values attributes={event.attributes ?? []} />
            </details>
          ))}
        </section>
      )}
      {(span.links ?? []).length > 0 && (
        <section>
          <h3>Links</h3>
          {(span.links ?? []).map((link) => (
            <p key={`${link.traceId}${link.spanId}`}>
              <a class="mono" href={href(`/trace/${link.traceId}`, { span: link.spanId })}>
                {link.traceId}
              </a>
            </p>
          ))}
        </section>
      )}
      <Attributes title="Resource" scope="resource" attributes={resource} />
      <section>
        <h3>Span</h3>
        <table class={styles.values}>
          <tbody>
            <Plain name="span id" value={span.spanId} />
            {span.parentSpanId && <Plain name="parent" value={span.parentSpanId} />}
            {span.traceState && <Plain name="trace state" value={span.traceState} />}
            {scope.name && <Plain name="scope" value={`${scope.name} ${scope.version}`} />}
          </tbody>
        </table>
        <details>
          <summary>Raw</summary>
          <pre class={styles.raw}>{JSON.stringify(span, null, 2)}</pre>
        </details>
      </section>
    </div>
  );
}

function Attributes({
  title,
  scope,
  attributes,
}: {
  title: string;
  scope: "span" | "resource";
  attributes: readonly KeyValue[];
}) {
  if (attributes.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <Values attributes={attributes} scope={scope} />
    </section>
  );
}

function Values({ attributes, scope }: { attributes: readonly KeyValue[]; scope?: "span" | "resource" }) {
  const sorted = [...attributes].sort((a, b) => a.key.localeCompare(b.key));
  return (
    <table class={styles.values}>
      <tbody>
        {sorted.map(({ key, value }) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            <td class="mono">{valueText(value)}</td>
            <td class={styles.actions}>
              {scope && (
                <a
                  href={href("/search", { q: `{ ${attribute(scope, key)} = ${valueLiteral(value)} }` })}
                  aria-label={`Traces with this ${key}`}
                  title="Traces with this value"
                >
                  <Icon name="search" />
                </a>
              )}
              <Copy text={valueText(value)} what={key} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Plain({ name, value }: { name: string; value: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="mono">{value}</td>
      <td class={styles.actions}>
        <Copy text={value} what={name} />
      </td>
    </tr>
  );
}

function Copy({ text, what }: { text: string; what: string }) {
  return (
    <button
      type="button"
      title="Copy"
      aria-label={`Copy ${what}`}
      onClick={() => void navigator.clipboard?.writeText(text)}
    >
      <Icon name="copy" />
    </button>
  );
}
