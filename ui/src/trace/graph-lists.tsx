/** A trace's graph as lists: its operations, and the calls between them. */
import { useMemo } from "preact/hooks";
import { place, setQuery } from "../router.ts";
import { duration, exactDuration, grouped, percent } from "../text/numbers.ts";
import styles from "./graph.module.css";
import { type Call, type Graph, type InFocus, operationName } from "./graph.ts";
import { type Column, Sorted } from "./sorted.tsx";
import type { TraceState } from "./state.ts";
import views from "./views.module.css";

interface ListsProps {
  readonly state: TraceState;
  readonly graph: Graph;
  readonly inFocus: InFocus | null;
  /** The group of the selected span. */
  readonly chosen: number | null;
  readonly choose: (group: number) => void;
}

export function GraphLists(props: ListsProps) {
  const { groups, calls } = props.graph;
  const isCalls = place.value.query.get("list") === "calls";
  return (
    <>
      <div class={`${views.caption} ${styles.choice}`} role="radiogroup" aria-label="List of">
        {(["Operations", "Calls"] as const).map((label) => (
          <button
            key={label}
            type="button"
            role="radio"
            class="button quiet"
            aria-checked={isCalls === (label === "Calls")}
            onClick={() => setQuery({ list: label === "Calls" ? "calls" : undefined })}
          >
            {label} {grouped(label === "Calls" ? calls.length : groups.length)}
          </button>
        ))}
      </div>
      {isCalls ? <Calls {...props} /> : <Operations {...props} />}
    </>
  );
}

const nameOf = ({ state, graph }: ListsProps, of: number) => {
  const group = graph.groups[of];
  return group ? `${state.skeleton.services[group.service]} ${operationName(state.model, group)}` : "";
};

/** A column of counts. */
function counts<Line>(key: string, label: string, of: (line: Line) => number): Column<Line> {
  const show = (line: Line) => (of(line) > 0 ? grouped(of(line)) : "–");
  return { key, label, of, show };
}

/** A column of errors. */
function errors<Line extends { errors: number }>(): Column<Line> {
  return {
    ...counts<Line>("errors", "Errors", ({ errors }) => errors),
    show: ({ errors }) => (errors > 0 ? <span class="error-text">! {grouped(errors)}</span> : "–"),
  };
}

function operationsOf({ groups, calls }: Graph) {
  const lines = groups.map((group, of) => ({ ...group, of, callers: 0, callees: 0 }));
  for (const { from, to } of calls) {
    const [caller, called] = [lines[from], lines[to]];
    if (caller) caller.callees++;
    if (called) called.callers++;
  }
  return lines;
}

function Operations(props: ListsProps) {
  const { state, graph, inFocus, chosen, choose } = props;
  const lines = useMemo(() => operationsOf(graph), [graph, inFocus]);
  type Line = (typeof lines)[number];
  const time = (key: string, label: string, of: (line: Line) => number): Column<Line> => ({
    key,
    label,
    of,
    show: (line) => (of(line) > 0 ? <span title={exactDuration(of(line))}>{duration(of(line))}</span> : "–"),
  });
  const matching: Column<Line>[] = inFocus
    ? [counts("matching", "Matching", ({ of }: Line) => inFocus.groups[of] ?? 0)]
    : [];
  return (
    <Sorted
      label="Operations"
      lines={lines}
      initial="self"
      columns={[
        { key: "name", label: "Operation", of: ({ of }) => nameOf(props, of) },
        counts("spans", "Spans", ({ spans }: Line) => spans),
        ...matching,
        errors(),
        time("self", "Self", ({ self }) => self),
        {
          key: "share",
          label: "Self, share",
          of: ({ self }) => self,
          show: ({ self }) => percent(graph.self > 0 ? self / graph.self : 0),
        },
        time("critical", "Critical path", ({ critical }) => critical),
        time("total", "Total", ({ total }) => total),
        counts("callers", "Callers", ({ callers }: Line) => callers),
        counts("callees", "Callees", ({ callees }: Line) => callees),
      ]}
      swatch={({ service }) => `var(--service-${state.model.slots[service]})`}
      isChosen={({ of }) => of === chosen}
      isApart={({ of }) => inFocus?.groups[of] === 0}
      choose={({ of }) => choose(of)}
    />
  );
}

function Calls(props: ListsProps) {
  const { state, graph, inFocus, chosen, choose } = props;
  const lines = useMemo(() => graph.calls.map((call, at) => ({ ...call, at })), [graph, inFocus]);
  const names = useMemo(() => graph.groups.map((_, of) => nameOf(props, of)), [graph]);
  const slot = (of: number) => state.model.slots[graph.groups[of]?.service ?? 0];
  return (
    <Sorted
      label="Calls"
      lines={lines}
      initial="count"
      columns={[
        { key: "to", label: "Called", of: ({ to }) => names[to] ?? "" },
        {
          key: "from",
          label: "By",
          of: ({ from }) => names[from] ?? "",
          show: ({ from }) => (
            <>
              <span class="swatch" style={{ background: `var(--service-${slot(from)})` }} />
              {names[from]}
            </>
          ),
        },
        counts("count", "Calls", ({ count }: Call) => count),
        errors(),
        counts("critical", "On the critical path", ({ critical }: Call) => critical),
      ]}
      swatch={({ to }) => `var(--service-${slot(to)})`}
      isChosen={({ from, to }) => chosen !== null && (from === chosen || to === chosen)}
      isApart={({ at }) => inFocus?.calls[at] === 0}
      choose={({ to }) => choose(to)}
    />
  );
}
