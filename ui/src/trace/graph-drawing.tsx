/** A trace's graph as a drawing: callers left of whom they call, the hotter the more time was spent there. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import styles from "./graph.module.css";
import type { Graph, InFocus } from "./graph.ts";
import { GraphEdges } from "./graph-edges.tsx";
import { GraphNode, NODE } from "./graph-node.tsx";
import type { Node, Part } from "./graph-part.ts";
import { type Spot, type Step, spotsOf, stepped } from "./graph-places.ts";
import { type Scaling, useScaling } from "./graph-scale.ts";
import type { TraceState } from "./state.ts";
import views from "./views.module.css";

const GAP = { x: 56, y: 18 };
const MARGIN = 20;

const STEPS: Record<string, Step> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface DrawingProps {
  readonly state: TraceState;
  readonly graph: Graph;
  readonly part: Part;
  readonly inFocus: InFocus | null;
  /** The node of the selected span. */
  readonly chosen: number | null;
  readonly choose: (node: Node) => void;
  readonly caption: ComponentChildren;
}

/** The left upper corner of a node. */
const pointOf = ({ rank, y }: Spot): Point => ({
  x: MARGIN + rank * (NODE.width + GAP.x),
  y: MARGIN + y * (NODE.height + GAP.y),
});

export function GraphDrawing({ state, graph, part, inFocus, chosen, choose, caption }: DrawingProps) {
  const box = useRef<HTMLDivElement>(null);
  const spots = useMemo(() => spotsOf(part), [part]);
  const points = useMemo(() => spots.map(pointOf), [spots]);
  const pointed = useSignal<number | null>(null);
  // Where the keyboard is: at the chosen node, but for that of the others, which has no span to choose.
  const last = useSignal(chosen ?? 0);
  const current = last.value < part.nodes.length ? last.value : 0;
  const width = Math.max(...points.map(({ x }) => x)) + NODE.width + MARGIN;
  const height = Math.max(...points.map(({ y }) => y)) + NODE.height + MARGIN;
  const scaling = useScaling(box, { width, height });
  const elementOf = (node: number) => box.current?.querySelector<SVGElement>(`[data-node="${node}"]`);
  // The first node is in sight, half way down, and so is what was chosen elsewhere.
  useLayoutEffect(() => {
    const { current: element } = box;
    if (!element) return;
    const middle = ((points[0]?.y ?? 0) + NODE.height / 2) * scaling.scale;
    element.scrollTop = middle - element.clientHeight / 2;
    element.scrollLeft = 0;
  }, [part, scaling.isReady]);
  useEffect(() => {
    if (chosen === null) return;
    last.value = chosen;
    elementOf(chosen)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [part, chosen, scaling.isReady]);
  const go = (event: KeyboardEvent) => {
    const here = part.nodes[current];
    if ((event.key === "Enter" || event.key === " ") && here && current !== chosen) {
      event.preventDefault();
      event.stopPropagation();
      choose(here);
    }
    const step = STEPS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const to = stepped(part, spots, current, step);
    const node = part.nodes[to ?? -1];
    if (to === null || !node) return;
    last.value = to;
    if (node.of !== null) choose(node);
    elementOf(to)?.focus();
  };
  return (
    <>
      <div class={`${views.caption} ${styles.caption}`}>
        {caption}
        <ScaleButtons scaling={scaling} />
      </div>
      <div
        ref={box}
        class={styles.drawing}
        data-dragged={scaling.isDragged.value}
        role="listbox"
        tabIndex={-1}
        aria-label="Operations. Left and right lead along calls, up and down to what stands there; the list below has the same."
        onKeyDown={go}
        {...scaling.pointer}
      >
        <svg
          viewBox={`0 0 ${width} ${height}`}
          width={width * scaling.scale}
          height={height * scaling.scale}
          role="none"
        >
          <GraphEdges {...{ state, graph, part, inFocus, points, pointed, chosen }} />
          {part.nodes.map((node, i) => (
            <GraphNode
              key={node.of ?? "others"}
              {...{ state, graph, part, inFocus, node }}
              at={i}
              point={points[i] ?? { x: 0, y: 0 }}
              isChosen={i === chosen}
              isNext={i === current}
              choose={() => {
                last.value = i;
                choose(node);
              }}
              pointAt={(is) => {
                pointed.value = is ? i : null;
              }}
            />
          ))}
        </svg>
      </div>
    </>
  );
}

function ScaleButtons({ scaling }: { scaling: Scaling }) {
  return (
    <fieldset class={styles.scaling}>
      <legend class="visually-hidden">Size of the drawing</legend>
      <button
        type="button"
        class="button quiet"
        aria-label="Smaller"
        title="Smaller (ctrl and the wheel)"
        onClick={() => scaling.by(-1)}
      >
        −
      </button>
      <button
        type="button"
        class="button quiet"
        aria-label="Larger"
        title="Larger (ctrl and the wheel)"
        onClick={() => scaling.by(1)}
      >
        +
      </button>
      <button type="button" class="button quiet" title="All of it" onClick={scaling.fit}>
        Fit
      </button>
    </fieldset>
  );
}
