/** Rules of tail sampling: edited as a form or as YAML, tried on traces that are stored. Nothing is put in force. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { SamplingCheck } from "../../api/schema.ts";
import { place, setQuery } from "../../router.ts";
import { Choices } from "../../service/tabs.tsx";
import { announce, copy } from "../../shell/copying.tsx";
import { Failure, Progress } from "../../shell/states.tsx";
import { refresh, timeRange } from "../../shell/time-range.ts";
import { compact } from "../../text/numbers.ts";
import page from "../page.module.css";
import {
  collectorYaml,
  DEFAULT_TEXT,
  hasComments,
  isRounded,
  otherKeys,
  policiesOf,
  type Settings,
  typeOf,
} from "./model.ts";
import { Policies } from "./policies.tsx";
import { Result } from "./result.tsx";
import { ADDRESS_CHARS_MAX, Rules } from "./rules.ts";
import styles from "./sampling.module.css";
import { Problems, YamlText } from "./text.tsx";

const LIMITS = [1000, 10_000, 50_000];
const LIMIT = 10_000;

export function SamplingPanel() {
  const rules = useMemo(() => new Rules(), []);
  const { query } = place.value;
  const limit = LIMITS.find((one) => String(one) === query.get("limit")) ?? LIMIT;
  const range = timeRange.value;
  const simulate = () => {
    setQuery({ run: "1" });
    // "Now" is taken again, and another range is simulated below.
    refresh();
  };
  useEffect(() => {
    void rules.check();
    return () => rules.stop();
  }, []);
  // A copied address shows what was simulated; so does another time.
  useEffect(() => {
    if (place.peek().query.get("run") === "1") void rules.simulate(range, limit);
  }, [range, limit]);
  return (
    <>
      <Progress loading={rules.state.value.loading} />
      <p class={`secondary ${styles.lead}`}>
        Try rules of the processor <code>tail_sampling</code> on the traces of the time above. Nothing here
        changes the server: what is in force is in the configuration of the pipeline. Traces that were never
        stored, because something samples them now, are not seen.
      </p>
      <div class={styles.columns}>
        <Editor rules={rules} simulate={simulate} />
        <section class={page.panel} aria-label="Simulation">
          <Run rules={rules} limit={limit} simulate={simulate} />
          <Outcome rules={rules} />
        </section>
      </div>
    </>
  );
}

function Editor({ rules, simulate }: { rules: Rules; simulate: () => void }) {
  const isYaml = place.value.query.get("view") === "yaml";
  const line = useSignal<number | null>(null);
  const { value: check, error } = rules.checker.state.value;
  const text = rules.text.value;
  const isChecked = rules.checked.value === text;
  const openLine = (at: number) => {
    setQuery({ view: "yaml" });
    line.value = null;
    requestAnimationFrame(() => {
      line.value = at;
    });
  };
  return (
    <section class={page.panel} aria-label="Rules">
      <div class={`${page.head} ${styles.head}`}>
        <h2>Rules</h2>
        <Choices
          label="Edit as"
          choices={[
            ["form", "Form"],
            ["yaml", "YAML"],
          ]}
          current={isYaml ? "yaml" : "form"}
          choose={(view) => setQuery({ view: view === "yaml" ? "yaml" : undefined })}
        />
        <span class={page.space} />
        <button
          type="button"
          class="button quiet"
          disabled={text === DEFAULT_TEXT}
          title="Errors, what is slow, and 10 % of the rest"
          onClick={() => rules.write(DEFAULT_TEXT)}
        >
          Start over
        </button>
        <button
          type="button"
          class="button"
          title="The processor, to be put into a Collector's configuration"
          onClick={() =>
            void copy(collectorYaml(text, check?.id ?? null)).then(() => announce("Copied the processor"))
          }
        >
          Copy as Collector YAML
        </button>
      </div>
      {error && <Failure error={error} retry={() => void rules.check()} />}
      {isYaml ? (
        <YamlText
          text={text}
          isWrong={isChecked && (check?.problems.length ?? 0) > 0}
          write={(text) => rules.write(text)}
          simulate={simulate}
          line={line.value}
        />
      ) : (
        <Form rules={rules} check={check} isChecked={isChecked} openLine={openLine} />
      )}
      {text.length > ADDRESS_CHARS_MAX && (
        <p class="secondary">The rules are too long for the address: copy them before you leave.</p>
      )}
      {check && isChecked && <Problems problems={check.problems} warnings={check.warnings} open={openLine} />}
    </section>
  );
}

interface FormProps {
  rules: Rules;
  check: SamplingCheck | null;
  isChecked: boolean;
  openLine: (line: number) => void;
}

function Form({ rules, check, isChecked, openLine }: FormProps) {
  const settings = rules.settings.value;
  if (settings === null) {
    return check ? (
      <p class="secondary">
        The YAML cannot be read, so there is nothing to fill in. What is wrong stands below.
      </p>
    ) : null;
  }
  if (isRounded(settings)) {
    return (
      <p class="secondary">
        The rules have whole numbers that are too large for this form to keep. Edit them as YAML.
      </p>
    );
  }
  const wait = settings.decision_wait;
  return (
    <div class={styles.form}>
      <Losses text={rules.text.value} id={check?.id ?? null} settings={settings} />
      <Policies
        settings={settings}
        problems={isChecked && check ? problemsByPolicy(check) : new Map()}
        change={(next) => rules.apply(next)}
        openYaml={(at) => openLine(check?.policies[at]?.line ?? 1)}
      />
      <label class={styles.wait}>
        <span>Decide so long after a trace's first span</span>
        <input
          class="field"
          type="text"
          value={typeof wait === "string" ? wait : ""}
          placeholder="30s"
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => {
            const { decision_wait: _, ...others } = settings;
            const value = event.currentTarget.value.trim();
            rules.apply(value === "" ? others : { ...settings, decision_wait: value });
          }}
        />
      </label>
    </div>
  );
}

/** What the form does not show, and what its first change takes away. */
function Losses({ text, id, settings }: { text: string; id: string | null; settings: Settings }) {
  const others = otherKeys(settings);
  const notes = [
    others.length > 0 && `Also set, and edited in the YAML alone: ${others.join(", ")}.`,
    hasComments(text) && "The YAML has comments. The first change made in this form leaves them out.",
    id !== null &&
      "The YAML has keys above the processor's settings. The first change made in this form leaves them out.",
  ].filter((note): note is string => note !== false);
  if (notes.length === 0) return null;
  return (
    <ul class={`notice ${styles.warnings}`}>
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

/** Problems have the place of their policy in their path. */
function problemsByPolicy({ problems }: SamplingCheck): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { path, message } of problems) {
    const at = /::policies\[(\d+)\]/.exec(path)?.[1];
    if (at !== undefined) found.set(Number(at), [...(found.get(Number(at)) ?? []), message]);
  }
  return found;
}

function Run({ rules, limit, simulate }: { rules: Rules; limit: number; simulate: () => void }) {
  const { loading, error } = rules.state.value;
  const simulated = rules.simulated.value;
  const { value: check } = rules.checker.state.value;
  const isWrong = rules.checked.value === rules.text.value && (check?.problems.length ?? 0) > 0;
  return (
    <>
      <div class={`${page.head} ${styles.head}`}>
        <h2>Simulation</h2>
        <span class={page.space} />
        <select
          class="field"
          aria-label="Traces to look at"
          value={String(limit)}
          onChange={(event) => {
            const { value } = event.currentTarget;
            setQuery({ limit: value === String(LIMIT) ? undefined : value });
          }}
        >
          {LIMITS.map((one) => (
            <option key={one} value={String(one)}>
              up to {one.toLocaleString("en")} traces
            </option>
          ))}
        </select>
        {loading ? (
          <button type="button" class="button" onClick={() => rules.cancel()}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            class="button primary"
            disabled={isWrong}
            title={isWrong ? "What is wrong with the rules stands below them" : "ctrl Enter in the YAML"}
            onClick={simulate}
          >
            Simulate
          </button>
        )}
      </div>
      {error && <Failure error={error} retry={simulate} />}
      <p class={`secondary ${styles.progress}`} role="status">
        {loading && simulated?.isFirst
          ? `A first look at ${compact(simulated.answer.traces.lookedAt)} of about ${compact(simulated.answer.traces.inRange)} traces; more are being looked at…`
          : loading
            ? "Traces are being read…"
            : simulated && simulated.text !== rules.text.value
              ? "The rules have changed since. Simulate again."
              : ""}
      </p>
    </>
  );
}

function Outcome({ rules }: { rules: Rules }) {
  const simulated = rules.simulated.value;
  const settings = rules.settings.value;
  if (!simulated) {
    return rules.state.value.loading ? null : (
      <p class="secondary">
        See how many traces and bytes the rules would keep, by each of them and by all, with examples.
      </p>
    );
  }
  const isOld = simulated.text !== rules.text.value;
  const types = settings && !isOld ? policiesOf(settings).map(typeOf) : [];
  return (
    <div data-old={isOld} class={styles.outcome}>
      <Result answer={simulated.answer} types={types} />
    </div>
  );
}
