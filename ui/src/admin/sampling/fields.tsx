/** The fields of one policy. What is typed is written at once, as far as it makes sense. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { type Field, STATUSES } from "./model.ts";
import styles from "./sampling.module.css";
import type { Json } from "./yaml.ts";

interface Props {
  field: Field;
  value: Json | undefined;
  change: (value: Json | undefined) => void;
}

export function FieldOf({ field, value, change }: Props) {
  if (field.kind === "flag") {
    return (
      <label class={styles.flag}>
        <input
          type="checkbox"
          checked={value === true}
          onChange={(event) => change(event.currentTarget.checked)}
        />
        {field.label}
      </label>
    );
  }
  if (field.kind === "statuses") return <Statuses field={field} value={value} change={change} />;
  return <Written field={field} value={value} change={change} />;
}

function Statuses({ field, value, change }: Props) {
  const chosen = Array.isArray(value) ? value : [];
  return (
    <fieldset class={styles.statuses}>
      <legend>{field.label}</legend>
      {STATUSES.map((status) => (
        <label key={status} class={styles.flag}>
          <input
            type="checkbox"
            checked={chosen.includes(status)}
            onChange={(event) => {
              const { checked } = event.currentTarget;
              change(STATUSES.filter((one) => (one === status ? checked : chosen.includes(one))));
            }}
          />
          {status}
        </label>
      ))}
    </fieldset>
  );
}

const shownOf = (kind: Field["kind"], value: Json | undefined): string => {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join(kind === "lines" ? "\n" : ", ");
  return String(value);
};

/** What a text stands for; `null` when for nothing yet. */
function read(kind: Field["kind"], text: string): { value: Json | undefined } | null {
  if (kind === "text") return { value: text };
  if (kind === "number") {
    if (text.trim() === "") return { value: undefined };
    const number = Number(text);
    return Number.isFinite(number) ? { value: number } : null;
  }
  const parts = text.split(kind === "lines" ? "\n" : ",").map((part) => part.trim());
  return { value: parts.filter((part) => part !== "") };
}

function Written({ field: { key, label, kind, hint }, value, change }: Props) {
  // While it is being typed the text stays as it is: `1.` is on its way to `1.5`.
  const typing = useSignal<string | null>(null);
  const text = typing.value ?? shownOf(kind, value);
  const isWrong = read(kind, text) === null;
  const id = useId();
  const props = {
    id,
    value: text,
    placeholder: hint,
    "aria-invalid": isWrong,
    spellcheck: false,
    autocomplete: "off",
    "data-field": key,
    onInput: (event: { currentTarget: { value: string } }) => {
      typing.value = event.currentTarget.value;
      const meant = read(kind, event.currentTarget.value);
      if (meant) change(meant.value);
    },
    onBlur: () => {
      typing.value = null;
    },
  };
  return (
    <div class={styles.written} data-kind={kind}>
      <label for={id}>{label}</label>
      {kind === "lines" ? (
        <textarea {...props} class={`field ${styles.lines}`} rows={Math.max(2, text.split("\n").length)} />
      ) : (
        <input {...props} class="field" type="text" inputMode={kind === "number" ? "decimal" : undefined} />
      )}
    </div>
  );
}
