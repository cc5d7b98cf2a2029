/** What a trace is about, whose time it was, and what is wrong with it. */
import { useEffect } from "preact/hooks";
import { announce, copy } from "../shell/copying.tsx";
import { Icon } from "../shell/icons.tsx";
import { utc } from "../shell/settings.ts";
import { counted, duration, exactDuration, percent } from "../text/numbers.ts";
import { clock, isoNanos } from "../text/times.ts";
import { quoted } from "../traceql.ts";
import styles from "./header.module.css";
import type { Late } from "./late.ts";
import { LiveBadge } from "./live-badge.tsx";
import { Notices } from "./notices.tsx";
import type { TraceState } from "./state.ts";

/** Services that are named beside a strip. */
const NAMED_MAX = 3;

export function Header({ state, late, reload }: { state: TraceState; late: Late; reload: () => void }) {
  const { skeleton } = state;
  const { duration: took, shares, depthMax, errors, criticalShares, origin } = state.model;
  const [service, name] = [state.service(0), state.operation(0)];
  const start = skeleton.startUnixNanos + BigInt(Math.round(origin));
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
        <time class="secondary" title={isoNanos(start)}>
          {clock(Number(start / 1_000_000n), utc.value)}
        </time>
        <button
          type="button"
          class={`${styles.id} mono`}
          title={`Copy the trace id, ${skeleton.traceId}`}
          onClick={() => void copy(skeleton.traceId).then(() => announce("Copied the trace id"))}
        >
          {skeleton.traceId.slice(0, 8)}…{skeleton.traceId.slice(-4)} <Icon name="copy" />
        </button>
        <button type="button" class={styles.id} title="Load again" aria-label="Load again" onClick={reload}>
          <Icon name="refresh" />
        </button>
        <LiveBadge late={late} spans={skeleton.n} />
        <Notices state={state} />
      </div>
      <div class={styles.strips}>
        <Strip
          state={state}
          label="Self time"
          parts={shares.map(({ service, self }) => ({ service, nanos: self }))}
        />
        {criticalShares.length > 0 && <Strip state={state} label="Critical path" parts={criticalShares} />}
      </div>
    </header>
  );
}

/** Shares of a time by service; a service's part filters the trace. */
function Strip({
  state,
  label,
  parts,
}: {
  state: TraceState;
  label: string;
  parts: readonly { readonly service: number; readonly nanos: number }[];
}) {
  const total = parts.reduce((sum, { nanos }) => sum + nanos, 0);
  const share = (nanos: number) => (total > 0 ? nanos / total : 0);
  const color = (service: number) => `var(--service-${state.model.slots[service]})`;
  const nameOf = (service: number) => state.skeleton.services[service] ?? "";
  const rest = parts.slice(NAMED_MAX);
  return (
    <div class={styles.strip} role="group" aria-label={`${label} by service`}>
      <span class="secondary">{label}</span>
      <span class={styles.stripe} aria-hidden="true">
        {parts.map(({ service, nanos }) => (
          <span
            key={service}
            title={`${nameOf(service)} ${percent(share(nanos))}`}
            style={{ flexGrow: share(nanos), background: color(service) }}
          />
        ))}
      </span>
      {parts.slice(0, NAMED_MAX).map(({ service, nanos }) => (
        <button
          key={service}
          type="button"
          title={`${exactDuration(nanos)}; find the spans of ${nameOf(service)}`}
          onClick={() => {
            const name = nameOf(service);
            const q = state.source.otlp ? name : `{ resource.service.name = ${quoted(name)} }`;
            state.finder.text.value = state.finder.text.peek() === q ? "" : q;
          }}
        >
          <span class="swatch" style={{ background: color(service) }} />
          {nameOf(service)} <span class="secondary">{percent(share(nanos))}</span>
        </button>
      ))}
      {rest.length > 0 && (
        <span
          class="secondary"
          title={rest.map(({ service, nanos }) => `${nameOf(service)} ${percent(share(nanos))}`).join("\n")}
        >
          +{rest.length}
        </span>
      )}
    </div>
  );
}
