/** Both waterfalls on one scale of time, with what belongs together on one line. */
import { useMemo } from "preact/hooks";
import type { Skeleton } from "../api/trace.ts";
import { serviceColor } from "../text/colors.ts";
import { duration } from "../text/numbers.ts";
import { ticks } from "../trace/model.ts";
import { type Bar, Bars } from "./bars.ts";
import styles from "./diff.module.css";
import { longer, rowsOf } from "./diff-model.ts";
import { factsOf, Marks, Name, type TreeProps, toggled } from "./diff-tree.tsx";
import { Rows } from "./rows.tsx";

export function SideBySide({ diff, changedOnly, collapsed, a, b }: TreeProps & { a: Skeleton; b: Skeleton }) {
  const whole = Math.max(diff.a.durationNanos, diff.b.durationNanos, 1);
  const [left, right] = useMemo(() => [new Bars(a, whole), new Bars(b, whole)] as const, [a, b, whole]);
  const rows = rowsOf(diff, { changedOnly, collapsed: collapsed.value });
  const toggle = (index: number) => {
    const row = rows[index];
    if (row?.isParent) collapsed.value = toggled(collapsed.peek(), row.at);
  };
  return (
    <Rows
      label="Both waterfalls"
      count={rows.length}
      toggle={toggle}
      facts={(index) => factsOf(diff, rows[index])}
      head={
        <>
          <span role="columnheader" class={styles.name}>
            Service and operation
          </span>
          <Axis side="A" whole={whole} />
          <Axis side="B" whole={whole} />
          <span role="columnheader" class={styles.marks}>
            Change
          </span>
        </>
      }
      row={(index) => {
        const row = rows[index];
        const node = row && diff.nodes[row.at];
        if (!node) return null;
        const color = serviceColor(node.service);
        return (
          <>
            <Name row={row} node={node} toggle={() => toggle(index)} />
            <Lane
              bars={left.of(node.spansA)}
              nanos={node.a?.totalNanos}
              color={color}
              failed={node.a?.errors}
            />
            <Lane
              bars={right.of(node.spansB)}
              nanos={node.b?.totalNanos}
              color={color}
              failed={node.b?.errors}
            />
            <span role="gridcell" class={styles.marks}>
              <Marks node={node} whole={longer(diff)} />
            </span>
          </>
        );
      }}
    />
  );
}

function Axis({ side, whole }: { side: "A" | "B"; whole: number }) {
  return (
    <span role="columnheader" class={styles.lane}>
      <b class={styles.side}>{side}</b>
      {ticks(0, whole, 3)
        .slice(1)
        .map((tick) => (
          <span key={tick} class={styles.tick} style={{ left: `${(tick / whole) * 100}%` }}>
            {duration(tick)}
          </span>
        ))}
    </span>
  );
}

function Lane({
  bars,
  nanos,
  color,
  failed = 0,
}: {
  bars: readonly Bar[];
  nanos: number | undefined;
  color: string;
  failed?: number | undefined;
}) {
  const last = bars.reduce((most, { left, width }) => Math.max(most, left + width), 0);
  const first = bars.reduce((least, { left }) => Math.min(least, left), 1);
  const isRight = last > 0.78;
  return (
    <span role="gridcell" class={styles.lane} data-none={nanos === undefined || undefined}>
      {bars.map(({ left, width }, i) => (
        <span
          key={i}
          class={styles.span}
          data-failed={failed > 0 || undefined}
          style={{ left: `${left * 100}%`, width: `max(2px, ${width * 100}%)`, background: color }}
        />
      ))}
      {nanos !== undefined && (
        <span
          class={styles.took}
          style={
            isRight && first > 0.2
              ? { right: `calc(${(1 - first) * 100}% + 6px)` }
              : isRight
                ? { left: `calc(${first * 100}% + 6px)`, color: "var(--canvas)" }
                : { left: `calc(${last * 100}% + 6px)` }
          }
        >
          {duration(nanos)}
        </span>
      )}
    </span>
  );
}
