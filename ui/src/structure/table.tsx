/** The roll-up as a list. */
import type { StructureNode } from "../api/schema.ts";
import { setQuery } from "../router.ts";
import { serviceColor } from "../text/colors.ts";
import { duration, percent } from "../text/numbers.ts";
import styles from "./structure.module.css";

const SHOWN_MAX = 500;

const SORTINGS = {
  self: ({ selfNanos }: StructureNode) => selfNanos,
  total: ({ totalNanos }: StructureNode) => totalNanos,
  spans: ({ spans }: StructureNode) => spans,
  errors: ({ errors }: StructureNode) => errors,
  origins: ({ errorOrigins }: StructureNode) => errorOrigins,
  p95: ({ p95 }: StructureNode) => p95,
} as const;

type Sorting = keyof typeof SORTINGS;

export function StructureTable({
  nodes,
  by,
  select,
}: {
  nodes: readonly StructureNode[];
  by: string | null;
  select: (at: number) => void;
}) {
  const sorting: Sorting = by && by in SORTINGS ? (by as Sorting) : "self";
  const order = nodes.map((_, at) => at);
  const value = (at: number) => {
    const node = nodes[at];
    return node ? SORTINGS[sorting](node) : 0;
  };
  order.sort((a, b) => value(b) - value(a));
  const head = (name: Sorting, label: string) => (
    <th class="numeric" aria-sort={sorting === name ? "descending" : undefined}>
      <button type="button" onClick={() => setQuery({ by: name === "self" ? undefined : name })}>
        {label}
      </button>
    </th>
  );
  return (
    <>
      <table class="grid">
        <thead>
          <tr>
            <th>Service and operation</th>
            <th>Called by</th>
            <th class="numeric">Traces</th>
            {head("spans", "Spans")}
            {head("errors", "Errors")}
            {head("origins", "Origins")}
            <th class="numeric">p50</th>
            {head("p95", "p95")}
            {head("total", "Total")}
            {head("self", "Self")}
          </tr>
        </thead>
        <tbody>
          {order.slice(0, SHOWN_MAX).map((at) => {
            const node = nodes[at];
            if (!node) return null;
            const parent = nodes[node.parent];
            return (
              <tr key={at}>
                <td class={styles.name}>
                  <button type="button" class={styles.pick} onClick={() => select(at)}>
                    <span class="swatch" style={{ background: serviceColor(node.service) }} />
                    <b>{node.service}</b> <span class="secondary">{node.name}</span>
                  </button>
                </td>
                <td class={`${styles.name} secondary`}>
                  {parent ? `${parent.service} ${parent.name}` : "–"}
                </td>
                <td class="numeric secondary">{node.traces.toLocaleString("en")}</td>
                <td class="numeric">{node.spans.toLocaleString("en")}</td>
                <td class={`numeric ${node.errors > 0 ? "error-text" : "secondary"}`}>
                  {node.errors > 0 ? percent(node.errors / node.spans) : "–"}
                </td>
                <td class={`numeric ${node.errorOrigins > 0 ? "error-text" : "secondary"}`}>
                  {node.errorOrigins > 0 ? node.errorOrigins.toLocaleString("en") : "–"}
                </td>
                <td class="numeric secondary">{duration(node.p50)}</td>
                <td class="numeric">{duration(node.p95)}</td>
                <td class="numeric secondary">{duration(node.totalNanos)}</td>
                <td class="numeric">{duration(node.selfNanos)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {nodes.length > SHOWN_MAX && (
        <p class="secondary">
          The first {SHOWN_MAX} of {nodes.length.toLocaleString("en")}.
        </p>
      )}
    </>
  );
}
