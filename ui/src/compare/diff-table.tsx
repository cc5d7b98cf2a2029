/** The same differences as a list, those that explain most first. */
import type { DiffNode, TraceDiff } from "../api/schema.ts";
import { setQuery } from "../router.ts";
import { serviceColor } from "../text/colors.ts";
import { duration } from "../text/numbers.ts";
import styles from "./diff.module.css";
import { delta, longer, type Sorting, selfDelta, sorted } from "./diff-model.ts";
import { Marks, signed } from "./diff-tree.tsx";

const SHOWN_MAX = 500;
const SORTINGS: readonly string[] = ["self", "total", "calls", "name"];

export function DiffTable({
  diff,
  changedOnly,
  by,
}: {
  diff: TraceDiff;
  changedOnly: boolean;
  by: string | null;
}) {
  const sorting = (SORTINGS.includes(by ?? "") ? by : "self") as Sorting;
  const nodes = sorted(diff, sorting, changedOnly);
  const head = (name: Sorting, label: string, numeric = true) => (
    <th class={numeric ? "numeric" : undefined} aria-sort={sorting === name ? "descending" : undefined}>
      <button type="button" onClick={() => setQuery({ by: name === "self" ? undefined : name })}>
        {label}
      </button>
    </th>
  );
  const cell = (side: DiffNode["a"], of: "calls" | "selfNanos" | "totalNanos") =>
    side ? (of === "calls" ? side.calls.toLocaleString("en") : duration(side[of])) : "–";
  return (
    <div class={styles.tableBox}>
      <table class="grid">
        <thead>
          <tr>
            {head("name", "Service and operation", false)}
            <th class="numeric">Calls A</th>
            <th class="numeric">Calls B</th>
            {head("calls", "Calls A − B")}
            <th class="numeric">Total A</th>
            <th class="numeric">Total B</th>
            {head("total", "Total A − B")}
            <th class="numeric">Self A</th>
            <th class="numeric">Self B</th>
            {head("self", "Self A − B")}
            <th>Change</th>
          </tr>
        </thead>
        <tbody>
          {nodes.slice(0, SHOWN_MAX).map((node) => (
            <tr key={`${node.parent} ${node.service} ${node.name} ${node.kind}`}>
              <td class={styles.tableName}>
                <span class="swatch" style={{ background: serviceColor(node.service) }} />
                <b>{node.service}</b> <span class="secondary">{node.name}</span>
              </td>
              <td class="numeric secondary">{cell(node.a, "calls")}</td>
              <td class="numeric secondary">{cell(node.b, "calls")}</td>
              <td class="numeric">{count(node)}</td>
              <td class="numeric secondary">{cell(node.a, "totalNanos")}</td>
              <td class="numeric secondary">{cell(node.b, "totalNanos")}</td>
              <td class="numeric">{signed(delta(node))}</td>
              <td class="numeric secondary">{cell(node.a, "selfNanos")}</td>
              <td class="numeric secondary">{cell(node.b, "selfNanos")}</td>
              <td class="numeric">{signed(selfDelta(node))}</td>
              <td>
                <Marks node={node} whole={longer(diff)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {nodes.length > SHOWN_MAX && (
        <p class="secondary">
          The first {SHOWN_MAX} of {nodes.length.toLocaleString("en")}; the tree has all of them.
        </p>
      )}
    </div>
  );
}

function count({ a, b }: DiffNode): string {
  const apart = (a?.calls ?? 0) - (b?.calls ?? 0);
  return apart > 0 ? `+${apart.toLocaleString("en")}` : apart < 0 ? `−${(-apart).toLocaleString("en")}` : "0";
}
