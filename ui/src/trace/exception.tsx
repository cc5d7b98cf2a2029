/** An exception as an event tells of it. */
import styles from "./exception.module.css";

/** An exception with its stack, as far as it was sent. */
export function Exception({ exception }: { exception: { type: string; message: string; stack: string } }) {
  return (
    <div class={styles.exception}>
      <b class="error-text">{exception.type || "exception"}</b> {exception.message}
      {exception.stack && <pre>{exception.stack}</pre>}
    </div>
  );
}
