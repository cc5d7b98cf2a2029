/** One query to write in. */
import { useSignal } from "@preact/signals";
import { QueryEditor } from "../query/editor.tsx";
import { refresh, timeRange } from "../shell/time-range.ts";
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
      <QueryEditor
        text={text}
        label={`Query ${label}, TraceQL metrics`}
        run={submit}
        range={timeRange.value}
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
