/** All that happened in the spans of a trace, in the order of time; exceptions in full. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { type Skeleton, valueText } from "../api/trace.ts";
import { Failure, Waiting } from "../shell/states.tsx";
import { counted, duration, exactDuration } from "../text/numbers.ts";
import { carried } from "./carry.ts";
import { EVENT_SPANS_STEP, eventsOf, exceptionOf, spansWithEvents, type TraceEvent } from "./events.ts";
import { Exception } from "./exception.tsx";
import type { TraceState } from "./state.ts";
import styles from "./views.module.css";

export function EventsView({ state }: { state: TraceState }) {
  const wanted = useSignal(EVENT_SPANS_STEP);
  const onlyExceptions = useSignal(false);
  const loader = useMemo(() => new Loader<{ of: Skeleton; events: TraceEvent[] }>(), []);
  const { skeleton } = state;
  const positions = useMemo(() => spansWithEvents(state), [skeleton]);
  const asked = positions.slice(0, wanted.value);
  const isAdjusted = state.adjusted.value;
  const isIdentified = state.isIdentified.value;
  const load = () => {
    if (asked.length === 0 || !isIdentified) return;
    void loader.ask(async (signal) => ({ of: skeleton, events: await eventsOf(state, asked, signal) }));
  };
  useEffect(load, [skeleton, wanted.value, isAdjusted, isIdentified]);
  const { value, error, loading } = loader.state.value;
  const shown = useComputed(() => {
    const [inFocus, listed] = [state.inFocus.value, state.listed.value];
    const known = loader.state.value.value;
    if (!known) return [];
    // Until the events of spans that have come are there, those from before stay.
    const at = carried(known.of, state.skeleton);
    const events = known.events.map((event) => ({ ...event, position: at[event.position] ?? -1 }));
    return events.filter(
      ({ position, name }) =>
        (!inFocus || inFocus[position]) &&
        (!listed || listed[position]) &&
        (!onlyExceptions.value || name === "exception"),
    );
  });
  const exceptions = value?.events.filter(({ name }) => name === "exception").length ?? 0;
  if (positions.length === 0)
    return (
      <div class={styles.empty}>
        <p>
          No span of this trace has events. Exceptions and log records that a library adds to a span would be
          here.
        </p>
      </div>
    );
  return (
    <div class={styles.box}>
      <div class={styles.caption}>
        <span role="status">{value && counted(shown.value.length, "event")}</span>
        {value && exceptions > 0 && (
          <button
            type="button"
            class="button quiet"
            aria-pressed={onlyExceptions.value}
            onClick={() => {
              onlyExceptions.value = !onlyExceptions.peek();
            }}
          >
            {counted(exceptions, "exception")}
          </button>
        )}
      </div>
      {error && <Failure error={error} retry={load} />}
      {!value && loading && <Waiting lines={12} />}
      <ol class={styles.events}>
        {shown.value.map((event, i) => (
          <Event key={i} state={state} event={event} />
        ))}
      </ol>
      {asked.length < positions.length && (
        <p class="notice warning">
          <span>
            Events of the first {asked.length.toLocaleString("en")} of {positions.length.toLocaleString("en")}{" "}
            spans that have some.
          </span>
          <button
            type="button"
            class="button"
            onClick={() => {
              wanted.value += EVENT_SPANS_STEP;
            }}
          >
            Show more
          </button>
        </p>
      )}
    </div>
  );
}

function Event({ state, event }: { state: TraceState; event: TraceEvent }) {
  const { position, at, name, attributes } = event;
  const exception = exceptionOf(event);
  const service = state.skeleton.serviceOf[position] ?? 0;
  return (
    <li data-chosen={state.selected.value === position}>
      <time class="numeric" title={exactDuration(at)}>
        +{duration(at)}
      </time>
      <div>
        <button
          type="button"
          class={styles.line}
          onClick={() => {
            state.isDetailOpen.value = true;
            state.select(position);
          }}
        >
          <span class="swatch" style={{ background: `var(--service-${state.model.slots[service]})` }} />
          {state.service(position)} <span class="secondary">{state.operation(position)}</span>
        </button>
        {exception ? (
          <Exception exception={exception} />
        ) : (
          <>
            <b>{name}</b>
            {attributes.length > 0 && (
              <span class={styles.pairs}>
                {attributes.map(({ key, value }) => (
                  <span key={key}>
                    <span class="secondary">{key}</span> <span class="mono">{valueText(value)}</span>
                  </span>
                ))}
              </span>
            )}
          </>
        )}
      </div>
    </li>
  );
}
