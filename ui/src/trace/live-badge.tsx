/** Whether spans still come, how many have, and that they be left alone for now. */
import { counted } from "../text/numbers.ts";
import type { Late } from "./late.ts";
import styles from "./live-badge.module.css";

export function LiveBadge({ late, spans }: { late: Late; spans: number }) {
  const added = late.added.value;
  const isPaused = late.isPaused.value;
  const offered = late.offered.value;
  const count = added > 0 && <span class="numeric">+{added.toLocaleString("en")}</span>;
  return (
    <>
      {late.isLive.value ? (
        <button
          type="button"
          class={styles.badge}
          data-paused={isPaused}
          title={
            isPaused
              ? "Spans that arrive are not shown. Go on."
              : "Spans are added as they arrive. Stop adding them for now."
          }
          onClick={() => {
            late.isPaused.value = !isPaused;
          }}
        >
          <span class={styles.dot} aria-hidden="true" />
          {isPaused ? "paused" : "live"} {count}
        </button>
      ) : (
        added > 0 && (
          <span class={styles.badge} title="Spans that arrived since this page was opened">
            {count}
          </span>
        )
      )}
      {offered && (
        <button type="button" class={`${styles.badge} ${styles.offer}`} onClick={() => late.accept()}>
          {counted(offered.n - spans, "more span")} arrived: show them
        </button>
      )}
      <span class="visually-hidden" role="status">
        {late.said.value}
      </span>
    </>
  );
}
