/** The same query as a row of conditions, for those who would rather choose than write. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import type { Chip } from "../api/schema.ts";
import styles from "./builder.module.css";
import { chipsOf, literalOf, OPERATORS, queryOf, typedOf } from "./chips.ts";
import { complete } from "./language.ts";
import { useSuggestions } from "./suggestions.ts";

export interface BuilderProps {
  readonly text: Signal<string>;
  readonly run: () => void;
  readonly range: Range;
  /** Shows the text instead. */
  readonly toText: () => void;
}

export function Builder({ text, run, range, toText }: BuilderProps) {
  // A condition that is not finished is here and not yet in the text.
  const chips = useSignal<readonly Chip[] | null>(chipsOf(text.peek()));
  const now = text.value;
  useEffect(() => {
    // Somebody else changed the query: a facet, the address, the list of recent ones.
    if (!chips.peek() || queryOf(chips.peek() ?? []) !== now) chips.value = chipsOf(now);
  }, [now]);
  if (!chips.value) {
    return (
      <div class={styles.beyond} role="status">
        <code>{text.value}</code>
        <span class="secondary">is more than a row of conditions.</span>
        <button type="button" class="button" onClick={toText}>
          Edit the text
        </button>
      </div>
    );
  }
  const set = (next: readonly Chip[]) => {
    chips.value = next;
    text.value = queryOf(next);
  };
  const list = chips.value;
  return (
    <div class={styles.chips} role="group" aria-label="Conditions, all of which must hold">
      {list.map((chip, i) => (
        <Condition
          key={i}
          chip={chip}
          others={list.filter((_, other) => other !== i)}
          range={range}
          run={run}
          set={(changed) => set(list.map((other, at) => (at === i ? changed : other)))}
          remove={() => set(list.filter((_, at) => at !== i))}
        />
      ))}
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          chips.value = [...list, { name: "", op: "=", literal: "" }];
        }}
      >
        + condition
      </button>
    </div>
  );
}

function Condition({
  chip,
  others,
  range,
  run,
  set,
  remove,
}: {
  chip: Chip;
  others: readonly Chip[];
  range: Range;
  run: () => void;
  set: (chip: Chip) => void;
  remove: () => void;
}) {
  const { name, op, literal } = chip;
  const rest = queryOf(others).replace(/\s*\}$/, "");
  const before = others.some(({ name, literal }) => name && literal) ? `${rest} && ` : "{ ";
  return (
    <span class={styles.chip}>
      <Offered
        label="Attribute"
        value={name}
        isNew={name === ""}
        query={(typed) => `${before}${typed}`}
        accepts={(kind) => kind === "attribute" || kind === "intrinsic"}
        shown={(text) => text}
        range={range}
        run={run}
        set={(name) => set({ name, op, literal })}
      />
      <select
        aria-label="Operator"
        value={op}
        onChange={(event) => {
          const next = event.currentTarget.value;
          set({ name, op: next, literal: literalOf(typedOf(literal, op), next) });
        }}
      >
        {OPERATORS.map((operator) => (
          <option key={operator} value={operator}>
            {operator}
          </option>
        ))}
      </select>
      <Offered
        label={`Value of ${name || "the attribute"}`}
        value={typedOf(literal, op)}
        isNew={false}
        query={() => `${before}${name} ${op} `}
        accepts={(kind) => kind === "value" || kind === "keyword"}
        shown={(text) => typedOf(text, op)}
        range={range}
        run={run}
        set={(typed) => set({ name, op, literal: literalOf(typed, op) })}
      />
      <button type="button" aria-label={`Remove the condition on ${name || "nothing"}`} onClick={remove}>
        ✕
      </button>
    </span>
  );
}

/** A field with what the data has to offer for it. */
function Offered({
  label,
  value,
  isNew,
  query,
  accepts,
  shown,
  range,
  run,
  set,
}: {
  label: string;
  value: string;
  isNew: boolean;
  query: (typed: string) => string;
  accepts: (kind: string) => boolean;
  shown: (text: string) => string;
  range: Range;
  run: () => void;
  set: (value: string) => void;
}) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useSuggestions((query, at, signal) => complete(query, at, range, signal));
  useEffect(() => {
    // Whoever added the condition goes on with it.
    if (isNew) input.current?.focus();
  }, []);
  const ask = (typed: string) => {
    const asked = query(typed);
    list.ask(asked, asked.length);
  };
  const found = list.found.value;
  const items = (found?.items ?? []).filter(({ kind }) => accepts(kind));
  // After a scope the names alone are offered; the field has both.
  const before = found?.query.slice(query("").length, found.from) ?? "";
  return (
    <>
      <input
        ref={input}
        class="mono"
        aria-label={label}
        list={`${id}-offered`}
        value={value}
        spellcheck={false}
        autocomplete="off"
        style={{ width: `${Math.min(40, Math.max(8, value.length + 3))}ch` }}
        onFocus={(event) => ask(event.currentTarget.value)}
        onInput={(event) => {
          set(event.currentTarget.value);
          ask(event.currentTarget.value);
        }}
        onBlur={() => list.close()}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          run();
        }}
      />
      <datalist id={`${id}-offered`}>
        {items.map(({ text }) => (
          <option key={text} value={before + shown(text)} />
        ))}
      </datalist>
    </>
  );
}
