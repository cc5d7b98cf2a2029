/** The roll-up as boxes below each other; each one can be reached by keys. */
import { useRef } from "preact/hooks";
import type { StructureNode } from "../api/schema.ts";
import { serviceColor } from "../text/colors.ts";
import { counted, duration, percent } from "../text/numbers.ts";
import { type Box, boxesOf, type Shade, shadesOf, type Width } from "./model.ts";
import styles from "./structure.module.css";

const ROW = 26;
/** So much of the color that text on it can still be read. */
const STRONGEST = 52;

export interface IcicleProps {
  readonly nodes: readonly StructureNode[];
  readonly width: Width;
  readonly shade: Shade;
  readonly focus: number | null;
  readonly selected: number | null;
  readonly select: (at: number) => void;
  readonly zoom: (at: number) => void;
}

export function Icicle({ nodes, width, shade, focus, selected, select, zoom }: IcicleProps) {
  const frame = useRef<HTMLDivElement>(null);
  const boxes = boxesOf(nodes, width, focus);
  const shades = shadesOf(nodes, shade);
  const deepest = boxes.reduce((most, { depth }) => Math.max(most, depth), 0);
  const stop = boxes.find(({ at, merged }) => at === selected && merged === 1) ?? boxes[0];
  const onKeyDown = (event: KeyboardEvent) => {
    // With these the keys are the browser's, such as the page before.
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const at = Number((event.target as HTMLElement).dataset.at);
    const here = boxes.findIndex((box) => box.at === at && box.merged === 1);
    const to = neighborOf(boxes, here, event.key);
    if (to === null) return;
    event.preventDefault();
    frame.current?.querySelector<HTMLElement>(`[data-at="${to}"]`)?.focus();
    select(to);
  };
  return (
    <div
      ref={frame}
      class={styles.icicle}
      role="group"
      aria-label="Structure; arrows move, Enter shows only what is below"
      style={{ height: `${(deepest + 1) * ROW}px` }}
      onKeyDown={onKeyDown}
    >
      {boxes.map((box) => {
        const node = nodes[box.at];
        if (!node) return null;
        const place = {
          left: `${box.left * 100}%`,
          width: `${box.width * 100}%`,
          top: `${box.depth * ROW}px`,
        };
        if (box.merged > 1)
          return (
            <span
              key={`more ${box.at}`}
              class={styles.merged}
              style={place}
              title={`${box.merged} smaller places`}
            />
          );
        return (
          <button
            key={box.at}
            type="button"
            data-at={box.at}
            class={styles.box}
            tabIndex={box === stop ? 0 : -1}
            aria-pressed={box.at === selected}
            aria-label={saysOf(node)}
            title={saysOf(node)}
            style={{
              ...place,
              background: `color-mix(in srgb, var(--${shade === "p95" ? "accent" : "error"}) ${Math.round((shades[box.at] ?? 0) * STRONGEST)}%, var(--raised))`,
              borderLeftColor: serviceColor(node.service),
            }}
            onClick={() => select(box.at)}
            onDblClick={() => zoom(box.at)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.altKey) {
                event.preventDefault();
                zoom(box.at);
              }
            }}
          >
            {box.width > 0.02 && (
              <>
                <b>{node.service}</b> {node.name}
              </>
            )}
          </button>
        );
      })}
    </div>
  );
}

function saysOf({ service, name, spans, traces, errors, p50, p95 }: StructureNode): string {
  const failed = errors > 0 ? `, ${percent(errors / spans)} failed` : "";
  return `${service} ${name}: ${counted(spans, "span")} in ${counted(traces, "trace")}, p50 ${duration(p50)}, p95 ${duration(p95)}${failed}`;
}

/** The node that an arrow leads to; `null` for none. */
export function neighborOf(boxes: readonly Box[], here: number, key: string): number | null {
  const box = boxes[here];
  if (!box) return null;
  const end = box.left + box.width;
  const isAlone = ({ merged }: Box) => merged === 1;
  const level = (depth: number) => boxes.filter((other) => other.depth === depth && isAlone(other));
  const found = {
    ArrowDown: () => level(box.depth + 1).find(({ left }) => left >= box.left - 1e-9 && left < end),
    ArrowUp: () =>
      level(box.depth - 1).find(
        ({ left, width }) => left <= box.left + 1e-9 && left + width > box.left + 1e-9,
      ),
    ArrowRight: () => level(box.depth).find(({ left }) => left >= end - 1e-9),
    ArrowLeft: () =>
      level(box.depth)
        .filter(({ left }) => left < box.left - 1e-9)
        .at(-1),
  }[key];
  return found?.()?.at ?? null;
}
