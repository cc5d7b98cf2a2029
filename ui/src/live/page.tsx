/** Spans while they arrive, newest on top. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { LiveSpan } from "../api/schema.ts";
import { QueryEditor } from "../query/editor.tsx";
import { href, place, setQuery } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { Failure } from "../shell/states.tsx";
import { serviceColor } from "../text/colors.ts";
import { compact, duration, exactDuration, rate } from "../text/numbers.ts";
import { clock } from "../text/times.ts";
import styles from "./page.module.css";
import { openStream, type StreamState } from "./stream.ts";
import { NO_ROWS, Rates, type Rows, received, resumed } from "./tail.ts";

const EVERYTHING = "{}";
const FILTERS: readonly (readonly [string, string])[] = [
  [EVERYTHING, "All"],
  ["{ nestedSetParent = -1 }", "Roots"],
  ["{ status = error }", "Errors"],
  ["{ kind = server }", "Requests"],
  ["{ duration > 1s }", "Over 1 s"],
];
const RATES_MILLIS = 500;
/** Attributes and values of this time are suggested. */
const SUGGESTED_MILLIS = 3_600_000;

export function LivePage() {
  const q = place.value.query.get("q") || EVERYTHING;
  useEffect(() => {
    document.title = "Live · Spandrel";
  }, []);
  return <Tail key={q} q={q} />;
}

function Tail({ q }: { q: string }) {
  const state = useSignal<StreamState>("connecting");
  const refused = useSignal<Error | null>(null);
  const rows = useSignal<Rows>(NO_ROWS);
  const dropped = useSignal(0);
  const perSecond = useSignal({ received: 0, sent: 0 });
  const attempt = useSignal(0);
  /** Why the list stands still: the reader said so, points at it, or has scrolled. */
  const isHeld = useSignal(false);
  const isOver = useSignal(false);
  const isScrolled = useSignal(false);
  const isPaused = useComputed(() => isHeld.value || isOver.value || isScrolled.value);
  const rates = useMemo(() => new Rates(), []);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    refused.value = null;
    return openStream(q, {
      state: (next) => {
        state.value = next;
      },
      event: (event) => {
        rates.add(event, performance.now());
        dropped.value += event.dropped;
        rows.value = received(rows.peek(), event.spans, isPaused.peek());
      },
      refused: (error) => {
        refused.value = error;
      },
    });
  }, [q, attempt.value]);
  useEffect(() => {
    const timer = setInterval(() => {
      perSecond.value = rates.at(performance.now());
    }, RATES_MILLIS);
    return () => clearInterval(timer);
  }, []);
  const goOn = () => {
    isHeld.value = false;
    isScrolled.value = false;
    list.current?.scrollTo({ top: 0 });
    rows.value = resumed(rows.peek());
  };
  const settle = () => {
    if (!isPaused.peek()) rows.value = resumed(rows.peek());
  };
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const typing = ["INPUT", "TEXTAREA", "SELECT"].includes((event.target as HTMLElement).tagName);
      if (event.key !== "p" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (isHeld.peek()) goOn();
      else isHeld.value = true;
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  const { shown, waiting, lost } = rows.value;
  const why = isHeld.value
    ? "paused"
    : isScrolled.value
      ? "paused while scrolled"
      : "paused under the pointer";
  return (
    <div class={styles.page}>
      <header class={styles.header}>
        <h1>Live</h1>
        <State state={state.value} why={isPaused.value ? why : null} />
        <span class={`secondary ${styles.rates}`}>
          {rate(Math.round(perSecond.value.received))} matching, {rate(Math.round(perSecond.value.sent))}{" "}
          shown
          {dropped.value > 0 && `, ${compact(dropped.value)} not shown`}
        </span>
        <span class={styles.space} />
        <button
          type="button"
          class="button"
          aria-pressed={isHeld.value}
          title="p"
          onClick={() => {
            if (isHeld.value) goOn();
            else isHeld.value = true;
          }}
        >
          {isHeld.value ? "▶ Go on" : "‖ Pause"}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            rows.value = NO_ROWS;
            dropped.value = 0;
          }}
        >
          Clear
        </button>
      </header>
      <Filter q={q} />
      {refused.value && (
        <Failure
          error={refused.value}
          retry={() => {
            attempt.value++;
          }}
        />
      )}
      <div
        ref={list}
        class={styles.list}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
        tabIndex={0}
        role="region"
        aria-label="Spans, newest first"
        onPointerEnter={() => {
          isOver.value = true;
        }}
        onPointerLeave={() => {
          isOver.value = false;
          settle();
        }}
        onScroll={(event) => {
          isScrolled.value = event.currentTarget.scrollTop > 4;
          settle();
        }}
      >
        {waiting.length > 0 && (
          <p class={styles.waiting}>
            <button type="button" class="button" onClick={goOn}>
              ↑ {compact(waiting.length + lost)} newer
            </button>
          </p>
        )}
        <table class="grid">
          <thead>
            <tr>
              <th>Time</th>
              <th>Service</th>
              <th>Operation</th>
              <th aria-label="Status" />
              <th class="numeric">Duration</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((span) => (
              <Row key={`${span.traceId} ${span.spanId}`} span={span} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && !refused.value && (
          <p class="secondary">
            {state.value === "open"
              ? "No matching span has arrived since this page is open."
              : "Connecting to the server."}
          </p>
        )}
      </div>
    </div>
  );
}

function State({ state, why }: { state: StreamState; why: string | null }) {
  const text =
    state === "open" ? (why ?? "listening") : state === "connecting" ? "connecting" : "connection lost";
  return (
    <span class={styles.state} role="status" data-state={why && state === "open" ? "paused" : state}>
      {text}
    </span>
  );
}

function Filter({ q }: { q: string }) {
  const text = useSignal(q);
  const range = useMemo(() => ({ from: Date.now() - SUGGESTED_MILLIS, to: Date.now() }), []);
  const run = () => setQuery({ q: text.value.trim() }, { replace: false });
  return (
    <form
      class={styles.filter}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <QueryEditor text={text} label="TraceQL filter" run={run} range={range} />
      <button type="submit" class="button">
        Filter
      </button>
      {FILTERS.map(([filter, label]) => (
        <button
          key={label}
          type="button"
          class="button quiet"
          aria-pressed={filter === q}
          onClick={() => setQuery({ q: filter === EVERYTHING ? undefined : filter }, { replace: false })}
        >
          {label}
        </button>
      ))}
    </form>
  );
}

function Row({ span }: { span: LiveSpan }) {
  const { traceId, spanId, service, name, startUnixNanos, durationNanos, error, root } = span;
  return (
    <tr>
      <td class="secondary">{clock(Number(BigInt(startUnixNanos) / 1_000_000n), utc.value)}</td>
      <td>
        <span class="swatch" style={{ background: serviceColor(service) }} />
        {service}
      </td>
      <td class={styles.name}>
        <a href={href(`/trace/${traceId}`, { span: spanId })}>{name || "without a name"}</a>
        {root && <span class={styles.root}>root</span>}
      </td>
      <td class="error-text">{error && "▲ error"}</td>
      <td class="numeric" title={exactDuration(durationNanos)}>
        {duration(durationNanos)}
      </td>
    </tr>
  );
}
