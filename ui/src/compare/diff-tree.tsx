/** Both traces as one tree: what is in which, how often, and how long it took. */
import type { Signal } from "@preact/signals";
import type { DiffNode, TraceDiff } from "../api/schema.ts";
import { href } from "../router.ts";
import { serviceColor } from "../text/colors.ts";
import { counted, duration, exactDuration } from "../text/numbers.ts";
import styles from "./diff.module.css";
import { type DiffRow, delta, longer, type Mark, marks, rowsOf, scaleOf, selfDelta } from "./diff-model.ts";
import { Rows } from "./rows.tsx";

export interface TreeProps {
  readonly diff: TraceDiff;
  readonly changedOnly: boolean;
  readonly collapsed: Signal<ReadonlySet<number>>;
}

/** `+1.61 s`, `−4 ms`, `0` for what took the same. */
export function signed(nanos: number): string {
  if (nanos === 0) return "0";
  return nanos > 0 ? `+${duration(nanos)}` : duration(nanos);
}

export function toggled(set: ReadonlySet<number>, at: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(at)) next.add(at);
  return next;
}

export function DiffTree({ diff, changedOnly, collapsed }: TreeProps) {
  const rows = rowsOf(diff, { changedOnly, collapsed: collapsed.value });
  const scale = scaleOf(diff);
  const toggle = (index: number) => {
    const row = rows[index];
    if (row?.isParent) collapsed.value = toggled(collapsed.peek(), row.at);
  };
  if (rows.length === 0) return <p class={styles.nothing}>Both traces do the same, at the same pace.</p>;
  return (
    <Rows
      label="Differences"
      count={rows.length}
      toggle={toggle}
      facts={(index) => factsOf(diff, rows[index])}
      head={
        <>
          <span role="columnheader" class={styles.name}>
            Service and operation
          </span>
          <span role="columnheader" class={styles.number}>
            A
          </span>
          <span role="columnheader" class={styles.number}>
            B
          </span>
          <span role="columnheader" class={styles.number}>
            A − B
          </span>
          <span role="columnheader" class={styles.bar}>
            <span class={styles.faster}>A faster</span>
            <span class={styles.slower}>A slower</span>
          </span>
          <span role="columnheader" class={styles.marks}>
            Change
          </span>
        </>
      }
      row={(index) => {
        const row = rows[index];
        const node = row && diff.nodes[row.at];
        if (!node) return null;
        const apart = delta(node);
        return (
          <>
            <Name row={row} node={node} toggle={() => toggle(index)} />
            <Took nanos={node.a?.totalNanos} traceId={diff.a.traceId} span={node.spansA[0]} />
            <Took nanos={node.b?.totalNanos} traceId={diff.b.traceId} span={node.spansB[0]} />
            <span role="gridcell" class={styles.number} title={exactDuration(apart)}>
              {signed(apart)}
            </span>
            <Apart nanos={apart} self={selfDelta(node)} scale={scale} />
            <span role="gridcell" class={styles.marks}>
              <Marks node={node} whole={longer(diff)} />
            </span>
          </>
        );
      }}
    />
  );
}

/** How far apart the sides are, and, in full color, how much of that is not explained by what they called. */
function Apart({ nanos, self, scale }: { nanos: number; self: number; scale: number }) {
  const bar = (value: number, isWhole: boolean) => (
    <span
      data-way={value > 0 ? "slower" : "faster"}
      data-whole={isWhole || undefined}
      style={{ width: `${(Math.min(scale, Math.abs(value)) / scale) * 50}%` }}
    />
  );
  return (
    <span role="gridcell" class={styles.bar} title={`${signed(nanos)}, by itself ${signed(self)}`}>
      {bar(nanos, true)}
      {bar(self, false)}
    </span>
  );
}

export function factsOf(diff: TraceDiff, row: DiffRow | undefined) {
  const node = row && diff.nodes[row.at];
  return {
    level: (row?.depth ?? 0) + 1,
    expanded: row?.isParent ? row.isOpen : undefined,
    label: node ? `${node.service} ${node.name}, ${signed(delta(node))}` : "",
  };
}

export function Name({ row, node, toggle }: { row: DiffRow; node: DiffNode; toggle: () => void }) {
  return (
    <span
      role="gridcell"
      class={styles.name}
      style={{ paddingLeft: `${row.depth * 14}px` }}
      data-path={row.isPath || undefined}
      title={`${node.service} ${node.name}`}
    >
      {row.isParent ? (
        <button
          type="button"
          class={styles.toggle}
          tabIndex={-1}
          aria-label={row.isOpen ? "Collapse" : "Expand"}
          onClick={toggle}
        >
          {row.isOpen ? "▾" : "▸"}
        </button>
      ) : (
        <span class={styles.toggle} />
      )}
      <span class="swatch" style={{ background: serviceColor(node.service) }} />
      <b>{node.service}</b> <span class="secondary">{node.name}</span>
    </span>
  );
}

function Took({
  nanos,
  traceId,
  span,
}: {
  nanos: number | undefined;
  traceId: string;
  span: string | undefined;
}) {
  return (
    <span role="gridcell" class={styles.number}>
      {nanos === undefined ? (
        <span class={styles.none}>–</span>
      ) : (
        <a href={href(`/trace/${traceId}`, { span })} tabIndex={-1} title={exactDuration(nanos)}>
          {duration(nanos)}
        </a>
      )}
    </span>
  );
}

export function Marks({ node, whole }: { node: DiffNode; whole: number }) {
  return (
    <>
      {marks(node, whole).map((mark) => (
        <MarkOf key={JSON.stringify(mark)} mark={mark} />
      ))}
    </>
  );
}

function MarkOf({ mark }: { mark: Mark }) {
  if (mark.kind === "time")
    return (
      <span class={styles.mark} data-way={mark.way}>
        A {mark.way}
      </span>
    );
  if (mark.kind === "only")
    return (
      <span class={styles.mark} data-side={mark.side}>
        only in {mark.side}
      </span>
    );
  if (mark.kind === "failed")
    return <span class={`${styles.mark} error-text`}>! fails only in {mark.side}</span>;
  return (
    <span
      class={styles.mark}
      data-repeat={mark.isRepeat || undefined}
      title={`${counted(mark.a, "call")} in A, ${counted(mark.b, "call")} in B`}
    >
      ×{mark.a.toLocaleString("en")} → ×{mark.b.toLocaleString("en")}
      {mark.isRepeat && " repeated"}
    </span>
  );
}
