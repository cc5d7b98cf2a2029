/** What is wrong with the trace as a record: missing parents, wrong clocks, and what else the server found. */
import type { Finding } from "../api/schema.ts";
import { Icon } from "../shell/icons.tsx";
import { counted } from "../text/numbers.ts";
import styles from "./header.module.css";
import { Pop } from "./pop.tsx";
import type { TraceState } from "./state.ts";

/** What a problem means to a reader; the names are those of the server. */
const PROBLEMS: Record<string, string> = {
  ownparent: "name themselves as their parent",
  cycle: "are their own ancestors",
  anotherroot: "are further roots: the context was lost on the way, or an id was used twice",
  duplicateid: "have the id of an earlier span",
  endsbeforestart: "end before they start",
  startsbeforeparent: "start before their parents: a clock is wrong",
  endsafterparent: "end after the call that waited for them: a clock is wrong, or the call timed out",
  noservice: "name no service",
  nostart: "have no time of start",
};

/** What a finding is about, in words; unknown ones in those of the server. */
export function problemText({ problem, n }: Finding): string {
  const known = PROBLEMS[problem.toLowerCase().replace(/[^a-z]/g, "")];
  return known ? `${counted(n, "span")} ${known}` : `${counted(n, "span")}: ${problem}`;
}

const isMissingParent = ({ problem }: Finding) => /missing.?parent/i.test(problem);

export function Notices({ state }: { state: TraceState }) {
  const findings = state.skeleton.health.filter((finding) => finding.n > 0 && !isMissingParent(finding));
  return (
    <div class={styles.notices}>
      <MissingParents state={state} />
      <Clocks state={state} />
      {findings.length > 0 && (
        <Pop
          className={styles.warning}
          align="right"
          label={
            <>
              <Icon name="warning" /> {counted(findings.length, "finding")}
            </>
          }
        >
          {findings.map((finding) => (
            <button
              key={finding.problem}
              type="button"
              class={`button quiet ${styles.finding}`}
              onClick={() => state.next(finding.positions, 1)}
            >
              {problemText(finding)}
            </button>
          ))}
        </Pop>
      )}
    </div>
  );
}

function MissingParents({ state }: { state: TraceState }) {
  const { orphans } = state.model;
  const n = state.skeleton.missingParents;
  if (n === 0) return null;
  return (
    <Pop
      className={styles.warning}
      align="right"
      label={
        <>
          <Icon name="warning" /> {counted(n, "missing parent")}
        </>
      }
    >
      <p>
        {counted(n, "span")} {n === 1 ? "names" : "name"} a parent that is not in this trace. The parent was
        not sent yet, was sampled differently, or belongs to a service that passes the context on without
        sending spans.
      </p>
      <button type="button" class="button quiet" onClick={() => state.next(orphans, 1)}>
        Show the next of them
      </button>
    </Pop>
  );
}

function Clocks({ state }: { state: TraceState }) {
  const n = state.model.skew.size;
  if (n === 0) return null;
  const isAdjusted = state.adjusted.value;
  return (
    <button
      type="button"
      class={`button quiet ${styles.warning}`}
      aria-pressed={isAdjusted}
      title="Clocks of these services disagree. Adjusted times put a call inside of its caller; the dashed outline is where it was received."
      onClick={() => state.adjust(!isAdjusted)}
    >
      ◷ {counted(n, "span")} {isAdjusted ? "adjusted" : "with raw times"}
    </button>
  );
}
