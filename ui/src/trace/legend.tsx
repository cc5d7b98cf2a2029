/** What the colors of spans stand for: a choice, and what each color means; a click finds its spans. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { slotColor } from "../text/colors.ts";
import { compact, counted } from "../text/numbers.ts";
import type { Meaning } from "./coloring.ts";
import styles from "./legend.module.css";
import type { TraceState } from "./state.ts";

const KNOWN = [
  ["service", "service"],
  ["kind", "kind"],
  ["status", "status"],
] as const;

/** Colors that are named at a time. */
const NAMED_MAX = 6;

export function Legend({ state }: { state: TraceState }) {
  const { meanings } = state.coloring.value;
  const error = state.attributeColors.error.value;
  const attribute = state.colorAttribute;
  const isWaiting = attribute !== null && !error && state.attributeColors.now.value?.by !== attribute;
  const first = useSignal(0);
  const from = first.value < meanings.length ? first.value : 0;
  const shown = meanings.slice(from, from + NAMED_MAX);
  return (
    <div class={styles.legend} role="group" aria-label="Colors">
      <Choice state={state} />
      {error && (
        <span class="error-text" title={error.message}>
          {error.message}
        </span>
      )}
      {isWaiting && <span role="status">asking for its values…</span>}
      {!error && !isWaiting && (
        <>
          {shown.map((meaning) => (
            <Color key={meaning.label} state={state} meaning={meaning} />
          ))}
          {meanings.length > shown.length && (
            <button
              type="button"
              title="The next colors"
              aria-label={`${meanings.length - shown.length} more colors`}
              onClick={() => {
                first.value = from + NAMED_MAX < meanings.length ? from + NAMED_MAX : 0;
              }}
            >
              +{meanings.length - shown.length}
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** What is colored by; attributes are asked for when somebody is about to choose. */
function Choice({ state }: { state: TraceState }) {
  const loader = useMemo(() => new Loader<readonly string[]>(), []);
  const by = state.colorBy.value;
  const known = loader.state.value.value ?? [];
  const attribute = state.colorAttribute;
  const attributes = attribute === null || known.includes(attribute) ? known : [attribute, ...known];
  const prepare = () => {
    const { attributes } = state.attributeColors;
    if (attributes && loader.state.peek().value === undefined)
      void loader.ask((signal) => attributes.names(signal));
  };
  return (
    <label class={styles.choice}>
      Color
      <select
        value={by}
        onPointerEnter={prepare}
        onFocus={prepare}
        onChange={(event) => {
          state.colorBy.value = event.currentTarget.value;
        }}
      >
        {KNOWN.map(([key, text]) => (
          <option key={key} value={key} selected={key === by}>
            {text}
          </option>
        ))}
        {attributes.length > 0 && (
          <optgroup label="Attributes">
            {attributes.map((name) => (
              <option key={name} value={name} selected={name === by}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </label>
  );
}

function Color({ state, meaning }: { state: TraceState; meaning: Meaning }) {
  const { label, slot, spans, q } = meaning;
  const inside = (
    <>
      <span class="swatch" style={{ background: slotColor(slot) }} />
      <span class={styles.label}>{label}</span> {compact(spans)}
    </>
  );
  // In a file only words are looked for, and those would find more.
  if (q === null || (state.source.otlp && q.startsWith("{")))
    return <span class={styles.color}>{inside}</span>;
  const isChosen = state.finder.text.value === q;
  return (
    <button
      type="button"
      class={styles.color}
      aria-pressed={isChosen}
      title={isChosen ? "Show all again" : `Find the ${counted(spans, "span")} with ${label}`}
      onClick={() => {
        state.finder.text.value = isChosen ? "" : q;
      }}
    >
      {inside}
    </button>
  );
}
