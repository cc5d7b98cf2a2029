/** Loading, failing, and having nothing: said in one sentence, with what to do next. */
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import styles from "./states.module.css";

/** What failed, and another try. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const status = error instanceof ApiError && error.status > 0 ? ` (status ${error.status})` : "";
  return (
    <div class="notice error" role="alert">
      <span class={styles.message}>
        {error.message}
        {status}
      </span>
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
