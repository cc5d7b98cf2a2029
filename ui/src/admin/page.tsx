/** What an operator asks: what comes in, what is kept out and why, what is stored, whether all is well. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { Blocks, Tenant } from "../api/schema.ts";
import { place } from "../router.ts";
import { Answered } from "../service/loading.tsx";
import { Tabs } from "../service/tabs.tsx";
import { lazy } from "../shell/lazy.tsx";
import { Failure, Progress } from "../shell/states.tsx";
import { bytes } from "../text/bytes.ts";
import { compact, counted, percent, rate } from "../text/numbers.ts";
import { BlocksPanel } from "./blocks.tsx";
import { age, limitText } from "./limits.ts";
import styles from "./page.module.css";
import { fetchBlocks, fetchParts, fetchTenant, lossesOf, type Part, perSecond } from "./tenant.ts";

const LOOK_MILLIS = 5000;

type Tab = "overview" | "sampling";

const TABS: readonly (readonly [Tab, string])[] = [
  ["overview", "Overview"],
  ["sampling", "Sampling rules"],
];

const SamplingPanel = lazy(async () => (await import("./sampling/page.tsx")).SamplingPanel);

/** Asks now and every few seconds while somebody looks. */
function useLooking<T>(question: (signal: AbortSignal) => Promise<T>) {
  const loader = useMemo(() => new Loader<T>(), []);
  const retry = () => void loader.ask(question);
  useEffect(() => {
    retry();
    const timer = setInterval(() => {
      const { loading, error } = loader.state.peek();
      // What failed is tried again by the reader: a message that comes and goes helps nobody.
      if (!document.hidden && !loading && !error) retry();
    }, LOOK_MILLIS);
    return () => {
      clearInterval(timer);
      loader.cancel();
    };
  }, []);
  return { ...loader.state.value, retry };
}

export function AdminPage() {
  const tab = TABS.find(([key]) => key === place.value.query.get("tab"))?.[0] ?? "overview";
  useEffect(() => {
    document.title = `${tab === "sampling" ? "Sampling rules" : "Administration"} · Spandrel`;
  }, [tab]);
  return tab === "sampling" ? (
    <div class={styles.page}>
      <header class={styles.header}>
        <h1>Administration</h1>
      </header>
      <Parts current={tab} />
      <SamplingPanel />
    </div>
  ) : (
    <OverviewPage />
  );
}

function Parts({ current }: { current: Tab }) {
  return (
    <div class={styles.tabs}>
      <Tabs label="Parts of the administration" tabs={TABS} current={current} />
    </div>
  );
}

function OverviewPage() {
  const tenant = useLooking(fetchTenant);
  const blocks = useLooking(fetchBlocks);
  const parts = useLooking(fetchParts);
  const { value } = tenant;
  return (
    <>
      <Progress loading={tenant.loading && !value} />
      <div class={styles.page}>
        <header class={styles.header}>
          <h1>Administration</h1>
          {value && (
            <span class="secondary">
              tenant <b>{value.tenant}</b> · version {value.version} · up {age(value.uptimeSeconds)}
            </span>
          )}
          <span class={styles.space} />
          {parts.value && <Health parts={parts.value} />}
        </header>
        <Parts current="overview" />
        <Answered answer={tenant} lines={10} show={(tenant) => <Overview tenant={tenant} />} />
        <Answered answer={blocks} lines={5} show={(answer: Blocks) => <BlocksPanel answer={answer} />} />
        <div class={styles.columns}>
          {value && <Limits tenant={value} />}
          {value && <Compaction tenant={value} />}
          <section class={styles.panel} aria-label="Parts of the process">
            <div class={styles.head}>
              <h2>Parts of the process</h2>
            </div>
            {parts.error && <Failure error={parts.error} retry={parts.retry} />}
            <dl class={styles.list}>
              {(parts.value ?? []).map(({ name, status, failure }) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd class={status === "Running" ? undefined : "error-text"}>
                    {status}
                    {failure && `: ${failure}`}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        </div>
      </div>
    </>
  );
}

function Health({ parts }: { parts: readonly Part[] }) {
  const bad = parts.filter(({ status }) => status !== "Running");
  return (
    <span class={styles.health} data-well={bad.length === 0} role="status">
      {bad.length === 0
        ? "All parts are running"
        : bad.map(({ name, status }) => `${name}: ${status}`).join(", ")}
    </span>
  );
}

function Overview({ tenant }: { tenant: Tenant }) {
  const last = useRef<{ spans: number; at: number } | null>(null);
  const speed = useSignal<number | null>(null);
  useEffect(() => {
    const now = { spans: tenant.received.spans, at: Date.now() };
    speed.value = perSecond(last.current, now) ?? speed.peek();
    last.current = now;
  }, [tenant]);
  const { received, stored, live, log, blocks, retentionSeconds } = tenant;
  const losses = lossesOf(tenant);
  const lost = losses.reduce((sum, { spans }) => sum + spans, 0);
  return (
    <>
      <dl class={styles.figures}>
        <Figure
          name="Received"
          value={compact(received.spans)}
          more={speed.value === null ? "spans" : `${rate(Math.round(speed.value))} now`}
        />
        <Figure
          name="Stored"
          value={compact(stored)}
          more={received.spans > 0 ? percent(stored / received.spans) : "spans"}
        />
        <Figure
          name="Not stored"
          value={compact(lost)}
          more={lost > 0 ? percent(lost / received.spans) : "nothing was kept out"}
          isBad={lost > 0}
        />
        <Figure name="Live" value={bytes(live.bytes)} more={counted(live.spans, "span")} />
        <Figure name="Log" value={bytes(log.bytes)} more="of the process" />
        <Figure
          name="Blocks"
          value={bytes(blocks.bytes)}
          more={`${counted(blocks.count, "block")}, ${compact(blocks.spans)} spans`}
        />
        <Figure
          name="Bytes per span"
          value={blocks.spans > 0 ? (blocks.bytes / blocks.spans).toFixed(1) : "–"}
          more="in blocks"
        />
        <Figure
          name="Retention"
          value={retentionSeconds === null ? "for ever" : age(retentionSeconds)}
          more={retentionSeconds === null ? "nothing is deleted by age" : "then blocks are deleted"}
        />
      </dl>
      {losses.length > 0 && (
        <section
          class={styles.panel}
          aria-label="Spans that were not stored"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
          tabIndex={0}
        >
          <div class={styles.head}>
            <h2>Not stored</h2>
            <span class="secondary">since the process was started</span>
          </div>
          <table class="grid">
            <thead>
              <tr>
                <th>Reason</th>
                <th>Fate</th>
                <th class="numeric">Spans</th>
                <th class="numeric">Share</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {losses.map(({ reason, fate, spans, why }) => (
                <tr key={`${fate} ${reason}`}>
                  <td class="mono">{reason}</td>
                  <td class="secondary" title={fate === "refused" ? "Senders try again" : "They are gone"}>
                    {fate}
                  </td>
                  <td class="numeric">{spans.toLocaleString("en")}</td>
                  <td class="numeric">{percent(spans / Math.max(1, received.spans))}</td>
                  <td class={styles.why}>{why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

function Figure({
  name,
  value,
  more,
  isBad = false,
}: {
  name: string;
  value: string;
  more: string;
  isBad?: boolean;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isBad ? "error-text" : undefined}>{value}</dd>
      <dd class={styles.more}>{more}</dd>
    </div>
  );
}

const spoken = (name: string) =>
  name
    .replaceAll("_", " ")
    .replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);

function Limits({ tenant: { limits } }: { tenant: Tenant }) {
  return (
    <section class={styles.panel} aria-label="Limits in force">
      <div class={styles.head}>
        <h2>Limits in force</h2>
      </div>
      <dl class={styles.list}>
        {Object.entries(limits).map(([name, value]) => (
          <div key={name}>
            <dt class="mono">{name}</dt>
            <dd class={value === null ? "secondary" : undefined}>{limitText(name, value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Compaction({ tenant: { compaction } }: { tenant: Tenant }) {
  return (
    <section class={styles.panel} aria-label="Compaction">
      <div class={styles.head}>
        <h2>Compaction</h2>
        <span class="secondary">of the process</span>
      </div>
      <dl class={styles.list}>
        {Object.entries(compaction).map(([name, value]) => (
          <div key={name}>
            <dt>{spoken(name)}</dt>
            <dd class={name === "failures" && value > 0 ? "error-text" : undefined}>
              {/^bytes/.test(name) ? bytes(value) : value.toLocaleString("en")}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
