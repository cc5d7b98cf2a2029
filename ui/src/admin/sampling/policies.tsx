/** The policies in the order of the file, each with the fields of its type; what has none is shown as YAML. */
import { useRef } from "preact/hooks";
import { FieldOf } from "./fields.tsx";
import {
  FORMS,
  freshPolicy,
  isShown,
  moved,
  nameOf,
  type Policy,
  policiesOf,
  type Settings,
  typeOf,
  valuesOf,
  withField,
  withPolicies,
} from "./model.ts";
import styles from "./sampling.module.css";
import { yamlOf } from "./yaml.ts";

interface ListProps {
  settings: Settings;
  /** What is wrong with each policy. */
  problems: ReadonlyMap<number, readonly string[]>;
  change: (settings: Settings) => void;
  /** Shows the YAML where this policy stands. */
  openYaml: (at: number) => void;
}

export function Policies({ settings, problems, change, openYaml }: ListProps) {
  const list = useRef<HTMLOListElement>(null);
  const policies = policiesOf(settings);
  const set = (next: readonly Policy[]) => change(withPolicies(settings, next));
  const replace = (at: number, policy: Policy) => set(policies.map((old, i) => (i === at ? policy : old)));
  const focus = (at: number, what: string) =>
    requestAnimationFrame(() => list.current?.children[at]?.querySelector<HTMLElement>(what)?.focus());
  const move = (at: number, step: -1 | 1) => {
    const next = moved(policies, at, step);
    if (next === policies) return;
    set(next);
    // The one that was moved keeps the focus, on a button that can still be pressed.
    const isLast = at + step === 0 || at + step === policies.length - 1;
    focus(at + step, isLast ? "button:not(:disabled)" : `[data-step="${step}"]`);
  };
  const add = (type: string) => {
    set([...policies, freshPolicy(type, policies)]);
    focus(policies.length, "input");
  };
  return (
    <>
      {policies.length === 0 && <p class="secondary">Without policies no trace is kept. Add one.</p>}
      <ol class={styles.policies} ref={list}>
        {policies.map((policy, at) => (
          <li
            key={at}
            data-policy={nameOf(policy)}
            onKeyDown={(event) => {
              if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
              event.preventDefault();
              move(at, event.key === "ArrowUp" ? -1 : 1);
            }}
          >
            <PolicyRow
              policy={policy}
              at={at}
              count={policies.length}
              problems={problems.get(at) ?? []}
              acts={{
                move: (step) => move(at, step),
                remove: () => {
                  set(policies.filter((_, i) => i !== at));
                  focus(Math.min(at, policies.length - 2), "input, button");
                },
                replace: (policy) => replace(at, policy),
                openYaml: () => openYaml(at),
              }}
            />
          </li>
        ))}
      </ol>
      <Add add={add} />
    </>
  );
}

interface RowProps {
  policy: Policy;
  at: number;
  count: number;
  problems: readonly string[];
  acts: {
    move: (step: -1 | 1) => void;
    remove: () => void;
    replace: (policy: Policy) => void;
    openYaml: () => void;
  };
}

function PolicyRow({ policy, at, count, problems, acts }: RowProps) {
  const [name, type] = [nameOf(policy), typeOf(policy)];
  const shown = isShown(policy);
  const what = name || `policy ${at + 1}`;
  return (
    <>
      <div class={styles.title}>
        <span class={styles.number}>{at + 1}</span>
        {shown ? (
          <input
            class={`field ${styles.name}`}
            aria-label={`Name of policy ${at + 1}`}
            value={name}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => acts.replace({ ...policy, name: event.currentTarget.value })}
          />
        ) : (
          <b class={styles.name}>{what}</b>
        )}
        <code class="secondary">{type}</code>
        <span class={styles.space} />
        <Step what={what} step={-1} isOff={at === 0} move={acts.move} />
        <Step what={what} step={1} isOff={at === count - 1} move={acts.move} />
        <button
          type="button"
          class="button quiet"
          title="Remove"
          aria-label={`Remove ${what}`}
          onClick={acts.remove}
        >
          ✕
        </button>
      </div>
      {shown ? (
        <div class={styles.fields}>
          {FORMS[type]?.fields.map((field) => (
            <FieldOf
              key={`${type} ${field.key}`}
              field={field}
              value={valuesOf(policy)[field.key]}
              change={(value) => acts.replace(withField(policy, field.key, value))}
            />
          ))}
        </div>
      ) : (
        <div class={styles.raw}>
          <pre>{yamlOf(policy)}</pre>
          <button type="button" class="button quiet" onClick={acts.openYaml}>
            Edit as YAML
          </button>
        </div>
      )}
      {problems.map((problem) => (
        <p key={problem} class="error-text">
          {problem}
        </p>
      ))}
    </>
  );
}

function Step({
  what,
  step,
  isOff,
  move,
}: {
  what: string;
  step: -1 | 1;
  isOff: boolean;
  move: (step: -1 | 1) => void;
}) {
  const to = step < 0 ? "up" : "down";
  return (
    <button
      type="button"
      class="button quiet"
      data-step={step}
      disabled={isOff}
      title={`Move ${to} (alt ${step < 0 ? "↑" : "↓"})`}
      aria-label={`Move ${what} ${to}`}
      onClick={() => move(step)}
    >
      {step < 0 ? "↑" : "↓"}
    </button>
  );
}

function Add({ add }: { add: (type: string) => void }) {
  return (
    <select
      class="field"
      aria-label="Add a policy"
      value=""
      onChange={(event) => {
        const { value } = event.currentTarget;
        event.currentTarget.value = "";
        if (value) add(value);
      }}
    >
      <option value="">Add a policy…</option>
      {Object.entries(FORMS).map(([type, { label }]) => (
        <option key={type} value={type}>
          {label}
        </option>
      ))}
    </select>
  );
}
