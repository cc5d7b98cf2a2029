/** What can be done with a box of the heatmap. */
import { href, place, setQuery } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { duration } from "../text/numbers.ts";
import { clock } from "../text/times.ts";
import { withCondition } from "../traceql.ts";
import styles from "./heatmap.module.css";
import { type Box, conditionOf } from "./selection.ts";

export function Picked({ q, box }: { q: string; box: Box }) {
  const condition = conditionOf(box);
  const narrowed = condition ? withCondition(q, condition) : q;
  const times = { from: String(Math.round(box.from)), to: String(Math.round(box.to)) };
  const isOnly = place.value.query.get("only") === "1";
  const durations =
    box.above === null || box.upTo === null
      ? "any duration"
      : `${duration(box.above)} to ${duration(box.upTo)}`;
  return (
    <div class={styles.actions} role="group" aria-label="The chosen box">
      <span class="secondary">
        {clock(box.from, utc.value).slice(0, -4)} to {clock(box.to, utc.value).slice(0, -4)}, {durations}
      </span>
      {condition ? (
        <a class="button primary" href={href("/compare", { q, sel: narrowed, ...times })}>
          Compare
        </a>
      ) : (
        <button
          type="button"
          class="button"
          disabled
          title="Every span of this time is chosen: leave some durations out to have something to compare with"
        >
          Compare
        </button>
      )}
      <button
        type="button"
        class="button"
        aria-pressed={isOnly}
        onClick={() => setQuery({ only: isOnly ? undefined : "1", limit: undefined })}
      >
        Show traces
      </button>
      <button
        type="button"
        class="button"
        onClick={() =>
          setQuery(
            { q: narrowed, ...times, sel: undefined, only: undefined, limit: undefined },
            { replace: false },
          )
        }
      >
        Zoom
      </button>
      <button
        type="button"
        class="button quiet"
        aria-label="Forget the box"
        onClick={() => setQuery({ sel: undefined, only: undefined })}
      >
        ✕
      </button>
    </div>
  );
}
