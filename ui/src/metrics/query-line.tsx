/** One query to write in. */
import { useSignal } from "@preact/signals";
import { refresh } from "../shell/time-range.ts";
import styles from "./page.module.css";

export function QueryLine({
  label,
  q,
  run,
  remove,
}: {
  label: string;
  q: string;
  run: (text: string) => void;
  remove: (() => void) | null;
}) {
  const text = useSignal(q);
  const submit = () => {
    if (text.value.trim() === q) refresh();
    else run(text.value.trim());
  };
  return (
    <form
      class={styles.query}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <span class={styles.letter} aria-hidden="true">
        {label}
      </span>
      <input
        class="field mono"
        aria-label={`Query ${label}, TraceQL metrics`}
        placeholder="{ kind = server } | rate() by (resource.service.name)"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="button">
        Run
      </button>
      {remove && (
        <button type="button" class="button quiet" aria-label={`Remove query ${label}`} onClick={remove}>
          ✕
        </button>
      )}
    </form>
  );
}
