/** The spans of a trace in groups: how many, how long, how much of it themselves, how much the trace waited. */
import { useComputed } from "@preact/signals";
import { place, setQuery } from "../router.ts";
import { duration, exactDuration, percent } from "../text/numbers.ts";
import { type Column, Sorted } from "./sorted.tsx";
import type { TraceState } from "./state.ts";
import { GROUPINGS, type Grouping, type Line, linesOf } from "./statistics.ts";
import styles from "./views.module.css";

const LABELS: Record<Grouping, string> = {
  operation: "Service and operation",
  service: "Service",
  kind: "Kind",
};

export function StatisticsView({ state }: { state: TraceState }) {
  const grouping = useComputed<Grouping>(() => {
    const by = place.value.query.get("by");
    return GROUPINGS.find((grouping) => grouping === by) ?? "operation";
  });
  const lines = useComputed(() => linesOf(state.model, grouping.value, state.listed.value));
  const all = (of: (line: Line) => number) => lines.value.reduce((sum, line) => sum + of(line), 0);
  const [self, critical] = [all(({ self }) => self), all(({ critical }) => critical)];
  const time = (key: string, label: string, of: (line: Line) => number): Column<Line> => ({
    key,
    label,
    of,
    show: (line) => <span title={exactDuration(of(line))}>{duration(of(line))}</span>,
  });
  return (
    <div class={styles.box}>
      <div class={styles.caption} role="radiogroup" aria-label="Group by">
        Group by
        {GROUPINGS.map((by) => (
          <button
            key={by}
            type="button"
            role="radio"
            class="button quiet"
            aria-checked={grouping.value === by}
            onClick={() => setQuery({ by: by === "operation" ? undefined : by })}
          >
            {LABELS[by]}
          </button>
        ))}
      </div>
      <Sorted
        key={grouping.value}
        label="Statistics"
        lines={lines.value}
        initial="self"
        columns={[
          { key: "label", label: LABELS[grouping.value], of: ({ label }) => label },
          {
            key: "count",
            label: "Spans",
            of: ({ count }) => count,
            show: ({ count }) => count.toLocaleString("en"),
          },
          {
            key: "errors",
            label: "Errors",
            of: ({ errors }) => errors,
            show: ({ errors }) => (errors > 0 ? <span class="error-text">{errors}</span> : "–"),
          },
          time("self", "Self", ({ self }) => self),
          {
            key: "share",
            label: "Self, share",
            of: (line) => line.self,
            show: (line) => <Share share={self > 0 ? line.self / self : 0} />,
          },
          {
            key: "critical",
            label: "Critical path",
            of: (line) => line.critical,
            show: (line) => <Share share={critical > 0 ? line.critical / critical : 0} />,
          },
          time("total", "Total", ({ total }) => total),
          time("median", "Median", ({ median }) => median),
          time("p95", "P95", ({ p95 }) => p95),
          time("max", "Longest", ({ max }) => max),
        ]}
        swatch={({ service }) =>
          service === null ? undefined : `var(--service-${state.model.slots[service]})`
        }
        choose={({ longest }) => {
          state.isDetailOpen.value = true;
          state.select(longest);
        }}
      />
    </div>
  );
}

/** A share as a number before a bar. */
function Share({ share }: { share: number }) {
  return (
    <span class={styles.share}>
      {share > 0 ? percent(share) : "–"}
      <span aria-hidden="true">
        <span style={{ width: `${Math.min(1, share) * 100}%` }} />
      </span>
    </span>
  );
}
