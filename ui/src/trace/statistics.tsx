/** The spans of a trace by service and operation: how many, how long, how much of it themselves. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { isError } from "../api/trace.ts";
import { duration, percent } from "../text/numbers.ts";
import type { Model } from "./model.ts";
import type { TraceState } from "./state.ts";
import styles from "./statistics.module.css";

interface Line {
  readonly service: number;
  readonly name: number;
  count: number;
  errors: number;
  total: number;
  self: number;
  max: number;
  /** The longest of them. */
  longest: number;
}

type Column = "count" | "errors" | "total" | "self" | "max";

const COLUMNS: readonly (readonly [Column, string])[] = [
  ["count", "Spans"],
  ["errors", "Errors"],
  ["total", "Total"],
  ["self", "Self"],
  ["max", "Longest"],
];

export function linesOf({ skeleton, self }: Model): Line[] {
  const lines = new Map<string, Line>();
  for (let i = 0; i < skeleton.n; i++) {
    const [service, name] = [skeleton.serviceOf[i] ?? 0, skeleton.nameOf[i] ?? 0];
    const key = `${service} ${name}`;
    const took = skeleton.durations[i] ?? 0;
    const line = lines.get(key) ?? {
      service,
      name,
      count: 0,
      errors: 0,
      total: 0,
      self: 0,
      max: -1,
      longest: i,
    };
    line.count++;
    line.errors += isError(skeleton.flags[i] ?? 0) ? 1 : 0;
    line.total += took;
    line.self += self[i] ?? 0;
    if (took > line.max) [line.max, line.longest] = [took, i];
    lines.set(key, line);
  }
  return [...lines.values()];
}

export function Statistics({ state }: { state: TraceState }) {
  const order = useSignal<Column>("self");
  const lines = useMemo(() => linesOf(state.model), [state]);
  const sorted = [...lines].sort((a, b) => b[order.value] - a[order.value]);
  const { skeleton, slots, shares } = state.model;
  const selfTotal = shares.reduce((sum, share) => sum + share.self, 0);
  return (
    <div class={styles.box}>
      <table class="grid">
        <thead>
          <tr>
            <th>Service</th>
            <th>Operation</th>
            {COLUMNS.map(([column, label]) => (
              <th key={column} class="numeric" aria-sort={order.value === column ? "descending" : undefined}>
                <button
                  type="button"
                  onClick={() => {
                    order.value = column;
                  }}
                >
                  {label}
                  {order.value === column && " ↓"}
                </button>
              </th>
            ))}
            <th class="numeric">Share of self time</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((line) => (
            <tr key={`${line.service} ${line.name}`} onClick={() => state.select(line.longest)}>
              <td>
                <span class="swatch" style={{ background: `var(--service-${slots[line.service]})` }} />
                {skeleton.services[line.service]}
              </td>
              <td class="secondary">{skeleton.names[line.name]}</td>
              <td class="numeric">{line.count.toLocaleString("en")}</td>
              <td class={`numeric ${line.errors > 0 ? "error-text" : "secondary"}`}>{line.errors || "–"}</td>
              <td class="numeric">{duration(line.total)}</td>
              <td class="numeric">{duration(line.self)}</td>
              <td class="numeric">{duration(line.max)}</td>
              <td class="numeric">{percent(selfTotal > 0 ? line.self / selfTotal : 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
