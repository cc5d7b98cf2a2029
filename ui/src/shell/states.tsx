/** Loading, failing, and having nothing: said in one sentence, with what to do next. */
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import { announce, copy } from "./copying.tsx";
import { Icon } from "./icons.tsx";
import styles from "./states.module.css";

/** What failed, and another try. With `kept`, there is something from before below it. */
export function Failure({ error, retry, kept }: { error: Error; retry?: () => void; kept?: boolean }) {
  const status = error instanceof ApiError && error.status > 0 ? ` (status ${error.status})` : "";
  const says = `${error.message}${status}`;
  return (
    <div class="notice error" role="alert">
      <span class={styles.message}>
        {says}
        {kept && <span class="secondary"> What is shown came before that.</span>}
      </span>
      <button
        type="button"
        class="button quiet"
        title="Copy the error, with the address and the time"
        aria-label="Copy the error"
        onClick={() => {
          const text = `${says}\n${location.href}\n${new Date().toISOString()}`;
          void copy(text).then(() => announce("Copied the error"));
        }}
      >
        <Icon name="copy" />
      </button>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Lines where the content will be, once waiting is long enough to be noticed. */
export function Waiting({ lines = 8 }: { lines?: number }) {
  const [shown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => show(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class={styles.waiting} role="status" aria-label="Loading">
      {shown &&
        Array.from({ length: lines }, (_, i) => (
          <span key={i} style={{ width: `${90 - ((i * 37) % 50)}%` }} />
        ))}
    </div>
  );
}

/** A thin line on top while something is loading. */
export function Progress({ loading }: { loading: boolean }) {
  return <div class={styles.progress} data-loading={loading} />;
}
