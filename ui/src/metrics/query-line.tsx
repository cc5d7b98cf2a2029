/** One query to write in. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { QueryEditor } from "../query/editor.tsx";
import type { Problem } from "../query/language.ts";
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
  const problems = useSignal<readonly Problem[]>([]);
  // That nothing is written yet is no mistake.
  useSignalEffect(() => {
    if (text.value.trim() === "" && problems.value.length > 0) problems.value = [];
  });
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
        problems={problems}
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
