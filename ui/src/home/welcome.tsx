/** What is shown before the first span: how to send it, and that somebody is listening. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get } from "../api/http.ts";
import { search, type TraceResult } from "../api/search.ts";
import { href } from "../router.ts";
import { Icon } from "../shell/icons.tsx";
import { Failure, Waiting } from "../shell/states.tsx";
import { PRESETS } from "../shell/time-range.ts";
import { counted } from "../text/numbers.ts";
import { ago } from "../text/times.ts";
import { demoCommand, type Endpoints, endpointsOf, snippets } from "./sending.ts";
import { sending, sendTestTrace } from "./test-trace.ts";
import styles from "./welcome.module.css";

const POLL_MILLIS = 2000;
const LOOK_BACK_MILLIS = 7 * 86_400_000;
/** On either side of the newest trace. */
const QUIET_MILLIS = 1_800_000;

export function Welcome({ retry }: { retry: () => void }) {
  const looking = useNewest();
  const { trace, looks } = looking;
  if (looks === 0) return <Waiting lines={14} />;
  return trace && looks === 1 ? <Quiet trace={trace} /> : <Steps looking={looking} retry={retry} />;
}

/** There are spans, but not in this time. */
function Quiet({ trace }: { trace: TraceResult }) {
  const around = (by: number) => String(trace.startMillis + by);
  return (
    <div class={styles.page}>
      <h1>No requests in this time</h1>
      <p class="secondary">
        The newest trace is from {ago(trace.startMillis, Date.now())}, of{" "}
        {trace.service || "an unknown service"}.
      </p>
      <p class={styles.others}>
        <a class="button primary" href={href("/", { from: around(-QUIET_MILLIS), to: around(QUIET_MILLIS) })}>
          Show the time around it
        </a>
        <a class="button" href={href("/", { from: PRESETS.at(-1)?.[0] })}>
          Show the last 7 days
        </a>
        <a href={href(`/trace/${trace.traceId}`)}>Open the trace</a>
      </p>
    </div>
  );
}

interface Looking {
  readonly trace: TraceResult | null;
  /** How often has been looked. */
  readonly looks: number;
  readonly seconds: number;
  /** Why the last look saw nothing. */
  readonly error: Error | null;
}

/** Looks for the newest trace until there is one. */
function useNewest(): Looking {
  const looking = useSignal<Looking>({ trace: null, looks: 0, seconds: 0, error: null });
  useEffect(() => {
    const stop = new AbortController();
    const started = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      const now = Date.now();
      const request = {
        q: "{}",
        from: now - LOOK_BACK_MILLIS,
        to: now + 60_000,
        limit: 1,
        order: "start",
      } as const;
      let error: Error | null = null;
      const [trace] = await search(request, stop.signal).catch((caught: Error) => {
        error = caught;
        return [];
      });
      if (stop.signal.aborted) return;
      const seconds = Math.round((performance.now() - started) / 1e3);
      looking.value = { trace: trace ?? null, looks: looking.peek().looks + 1, seconds, error };
      if (!trace) timer = setTimeout(look, POLL_MILLIS);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, []);
  return looking.value;
}

function Steps({ looking, retry }: { looking: Looking; retry: () => void }) {
  const host = location.hostname || "localhost";
  const endpoints = useSignal<Endpoints>(endpointsOf("", host));
  useEffect(() => {
    const stop = new AbortController();
    // Without the page that says them the usual ports are right most of the time.
    get("/status/config", {}, stop.signal)
      .then((response) => response.text())
      .then((text) => {
        endpoints.value = endpointsOf(text, host);
      })
      .catch(() => undefined);
    return () => stop.abort();
  }, []);
  const { grpc, http, onlyHere } = endpoints.value;
  return (
    <div class={styles.page}>
      <h1>No data yet. Send your first span</h1>
      <ol class={styles.steps}>
        <li>
          <h2>Endpoint</h2>
          <div class={styles.endpoints}>
            <Copied label="OTLP over gRPC" text={`http://${grpc}`} />
            <Copied label="OTLP over HTTP" text={`http://${http}`} />
          </div>
          {onlyHere && (
            <p class="secondary">
              They listen on this machine only; <code>--otlp-grpc 0.0.0.0:4317</code> and{" "}
              <code>--otlp-http 0.0.0.0:4318</code> open them to others.
            </p>
          )}
        </li>
        <li>
          <h2>Sender</h2>
          <Snippets endpoints={endpoints.value} />
        </li>
        <li>
          <Listening looking={looking} retry={retry} />
          <TestTrace isFirst={!looking.trace} />
          <div class={styles.others}>
            <Copied label="Demo data" text={demoCommand(endpoints.value)} />
          </div>
        </li>
      </ol>
    </div>
  );
}

/** What can be looked at without having sent anything. */
function TestTrace({ isFirst }: { isFirst: boolean }) {
  const { isSending, error } = sending.value;
  return (
    <>
      <div class={styles.others}>
        <button
          type="button"
          class={`button ${isFirst ? "primary" : ""}`}
          aria-disabled={isSending}
          title="The server makes one and stores it: nine spans of services whose names begin with test-"
          onClick={() => void sendTestTrace()}
        >
          {isSending ? "Sending…" : "Send a test trace"}
        </button>
        <a class="button" href={href("/upload")}>
          Open a file
        </a>
      </div>
      {error && <Failure error={error} retry={() => void sendTestTrace()} />}
    </>
  );
}

/** A text to copy. */
function Copied({ label, text }: { label: string; text: string }) {
  const isDone = useSignal(false);
  return (
    <span class={styles.copied}>
      <span class="secondary">{label}</span>
      <code>{text}</code>
      <button
        type="button"
        class="button quiet"
        aria-label={`Copy ${text}`}
        onClick={() => {
          void navigator.clipboard?.writeText(text);
          isDone.value = true;
        }}
      >
        {isDone.value ? "copied" : <Icon name="copy" />}
      </button>
    </span>
  );
}

function Snippets({ endpoints }: { endpoints: Endpoints }) {
  const all = snippets(endpoints);
  const shown = useSignal(0);
  const [name = "", text = ""] = all[shown.value] ?? [];
  return (
    <>
      <div role="tablist" aria-label="How to send" class={styles.tabs}>
        {all.map(([name], i) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="button quiet"
            aria-selected={shown.value === i}
            onClick={() => {
              shown.value = i;
            }}
          >
            {name}
          </button>
        ))}
      </div>
      <div class={styles.snippet}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
        <pre tabIndex={0} role="region" aria-label={name}>
          {text}
        </pre>
        <button type="button" class="button" onClick={() => void navigator.clipboard?.writeText(text)}>
          Copy
        </button>
      </div>
    </>
  );
}

function Listening({ looking: { trace, seconds, error }, retry }: { looking: Looking; retry: () => void }) {
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return (
    <>
      <h2>{trace ? "Spans have arrived" : "Listening"}</h2>
      {trace ? (
        <p class={`notice ${styles.found}`} role="status">
          <span>
            {trace.spans > 0 ? counted(trace.spans, "span") : "Spans"} from{" "}
            <b>{trace.service || "a service"}</b>
          </span>
          <a class="button primary" href={href(`/trace/${trace.traceId}`)}>
            Open the trace
          </a>
          <button type="button" class="button" onClick={retry}>
            Show the services
          </button>
        </p>
      ) : error ? (
        <p class="notice error" role="alert">
          {error.message} This page goes on asking.
        </p>
      ) : (
        <p class="secondary" role="status">
          <span class={styles.pulse} aria-hidden="true" /> This page notices the first span by itself.{" "}
          <span aria-hidden="true">{clock}</span>
        </p>
      )}
    </>
  );
}
