/** Choosing the view, finding, jumping, and taking the trace away. */
import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import { href } from "../router.ts";
import { announce, copy } from "../shell/copying.tsx";
import { Icon } from "../shell/icons.tsx";
import { compact, counted } from "../text/numbers.ts";
import { jaegerJson, jsonFile, otlpJson, save } from "./download.ts";
import { PICTURE_ROWS_MAX, picture } from "./picture.ts";
import { Pop } from "./pop.tsx";
import type { TraceState } from "./state.ts";
import styles from "./tools.module.css";
import { LABELS, show, VIEWS, view } from "./views.ts";

export function Tools({ state, input }: { state: TraceState; input: RefObject<HTMLInputElement | null> }) {
  const { errors, origins, critical } = state.model;
  return (
    <div class={styles.tools}>
      <Views />
      <Find state={state} input={input} />
      {errors.length > 0 && (
        <button
          type="button"
          class="button quiet"
          title="The next error, the deepest first (e)"
          onClick={() => state.next(errors, 1)}
        >
          <span class="error-text">{counted(errors.length, "error")}</span>
          {origins.size < errors.length && <span class="secondary">{counted(origins.size, "origin")}</span>}
        </button>
      )}
      {critical.size > 0 && (
        <button
          type="button"
          class="button quiet"
          title="Only what the trace waited for (c)"
          aria-pressed={state.criticalOnly.value}
          onClick={() => {
            state.criticalOnly.value = !state.criticalOnly.value;
          }}
        >
          Critical path
        </button>
      )}
      <span class={styles.space} />
      <button
        type="button"
        class="button quiet"
        title="Copy a link to what is shown (y)"
        onClick={() => copyLink(state)}
      >
        <Icon name="link" /> Link
      </button>
      <Files state={state} />
    </div>
  );
}

/** The address of what is shown, into the clipboard. */
export function copyLink(state: TraceState): void {
  state.writeAddress();
  void copy(location.href).then(() => announce("Copied a link to what is shown"));
}

function Views() {
  const list = useRef<HTMLDivElement>(null);
  const now = view.value;
  return (
    <div
      ref={list}
      role="tablist"
      aria-label="View"
      class={styles.views}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!by) return;
        event.preventDefault();
        event.stopPropagation();
        const to = (VIEWS.indexOf(now) + by + VIEWS.length) % VIEWS.length;
        show(VIEWS[to] ?? "waterfall");
        (list.current?.children[to] as HTMLElement | undefined)?.focus();
      }}
    >
      {VIEWS.map((name, i) => (
        <button
          key={name}
          type="button"
          role="tab"
          title={`${LABELS[name]} (${i + 1})`}
          aria-selected={now === name}
          tabIndex={now === name ? 0 : -1}
          onClick={() => show(name)}
        >
          {LABELS[name]}
        </button>
      ))}
    </div>
  );
}

/** Finds words at once, and what only the server knows a moment later. */
function Find({ state, input }: { state: TraceState; input: RefObject<HTMLInputElement | null> }) {
  const { finder } = state;
  const matches = finder.matches.value?.positions;
  const at = matches?.indexOf(state.selected.value ?? -1) ?? -1;
  const error = finder.error.value;
  const isApart = finder.text.value !== "" || state.criticalOnly.value;
  return (
    <div class={styles.find} role="search">
      <input
        ref={input}
        class="field"
        type="search"
        spellcheck={false}
        aria-label="Find in this trace"
        placeholder="Find words or { TraceQL }"
        title="Words; key=value is exact; -words excludes; { TraceQL }"
        value={finder.text.value}
        onInput={(event) => {
          finder.text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") state.next(matches ?? [], event.shiftKey ? -1 : 1);
          if (event.key === "Escape") event.currentTarget.blur();
          event.stopPropagation();
        }}
      />
      <span class={styles.found} role="status" data-waiting={finder.waiting.value}>
        {error ? (
          <span class="error-text" title={error.message}>
            {error.message}
          </span>
        ) : (
          matches && `${at >= 0 ? `${at + 1}/` : ""}${compact(matches.length)}`
        )}
      </span>
      <button
        type="button"
        class="button quiet"
        aria-label="Previous match"
        title="Previous match (N)"
        disabled={!matches?.length}
        onClick={() => state.next(matches ?? [], -1)}
      >
        ‹
      </button>
      <button
        type="button"
        class="button quiet"
        aria-label="Next match"
        title="Next match (n)"
        disabled={!matches?.length}
        onClick={() => state.next(matches ?? [], 1)}
      >
        ›
      </button>
      <div class={styles.others} role="radiogroup" aria-label="The other spans">
        {(["Dim", "Hide"] as const).map((label) => (
          <button
            key={label}
            type="button"
            role="radio"
            aria-checked={state.hideOthers.value === (label === "Hide")}
            disabled={!isApart}
            title={
              label === "Hide"
                ? "Hide what does not match, but keep what is above a match"
                : "Show all, matches in full color"
            }
            onClick={() => {
              state.hideOthers.value = label === "Hide";
            }}
          >
            {label}
          </button>
        ))}
      </div>
    </div>
  );
}

function Files({ state }: { state: TraceState }) {
  const id = state.skeleton.traceId;
  const { otlp } = state.source;
  const signal = new AbortController().signal;
  const offer = (label: string, name: string, file: () => Promise<Blob | null>) => (
    <button
      type="button"
      class="button quiet"
      onClick={() => {
        announce(`Preparing ${name}`);
        file().then(
          (blob) => {
            if (blob) save(name, blob);
          },
          (error: Error) => announce(error.message),
        );
      }}
    >
      {label}
    </button>
  );
  return (
    <Pop align="right" label={<Icon name="download" />} title="Download, compare">
      {offer("OTLP JSON", `${id}.otlp.json`, async () =>
        jsonFile(otlp ? otlp() : await otlpJson(id, signal)),
      )}
      {!otlp && offer("Jaeger JSON", `${id}.jaeger.json`, () => jaegerJson(id, signal))}
      {offer(
        state.rows.value.length > PICTURE_ROWS_MAX
          ? `PNG of the first ${PICTURE_ROWS_MAX} rows`
          : "PNG of the waterfall",
        `${id}.png`,
        () => picture(state),
      )}
      {!otlp && (
        <a class="button quiet" href={href(`/trace/${id}...typical`)}>
          Compare with a typical trace
        </a>
      )}
    </Pop>
  );
}
