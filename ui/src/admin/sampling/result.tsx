/** What the rules would have kept: the whole, each policy, and examples to look at. */
import { useSignal } from "@preact/signals";
import type { SampledTrace, SamplingExamples, SamplingPolicy, SamplingSimulation } from "../../api/schema.ts";
import { href } from "../../router.ts";
import { utc } from "../../shell/settings.ts";
import { bytes } from "../../text/bytes.ts";
import { compact, counted, duration, percent } from "../../text/numbers.ts";
import { clock } from "../../text/times.ts";
import page from "../page.module.css";
import styles from "./sampling.module.css";

export function Result({ answer, types }: { answer: SamplingSimulation; types: readonly string[] }) {
  const { traces, kept, policies, notes } = answer;
  if (traces.lookedAt === 0) {
    return (
      <p class="secondary">
        There is no trace in this time{traces.tooLarge > 0 && " that is small enough to be looked at"}. Choose
        a wider range above.
      </p>
    );
  }
  return (
    <>
      <p class="secondary">
        {traces.complete
          ? `All ${counted(traces.inRange, "trace")} of this time were looked at.`
          : `${traces.lookedAt.toLocaleString("en")} of about ${compact(traces.inRange)} traces were looked at, spread evenly over this time.`}
      </p>
      <Figures answer={answer} />
      <Warnings answer={answer} />
      <ul class={styles.bars} aria-label="Kept by each policy">
        <PolicyBar name="All policies together" type="" kept={kept} examples={answer.examples} />
        {policies.map((policy, at) => (
          <PolicyBar
            key={policy.name}
            name={policy.name}
            type={types[at] ?? ""}
            kept={policy.kept}
            examples={policy.examples}
            policy={policy}
          />
        ))}
      </ul>
      <details class={styles.notes}>
        <summary>How this was simulated</summary>
        <ul>
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
          <li>
            {answer.bytes.of === "blocks"
              ? "Bytes a day: spans of this range, times the mean bytes per span of blocks, for a day."
              : "Bytes a day: spans of this range as they arrive, for a day; no block has been written yet, and blocks are smaller."}
          </li>
        </ul>
      </details>
    </>
  );
}

function Figures({ answer: { traces, spans, kept, bytes: size } }: { answer: SamplingSimulation }) {
  const saved = size.perDay && size.keptPerDay !== null ? 1 - size.keptPerDay / size.perDay : null;
  return (
    <dl class={page.figures}>
      <div>
        <dt>Kept traces</dt>
        <dd data-figure="kept">{percent(kept.shareOfTraces)}</dd>
        <dd class={page.more}>
          {kept.traces.toLocaleString("en")} of {traces.lookedAt.toLocaleString("en")}
        </dd>
      </div>
      <div>
        <dt>Kept spans</dt>
        <dd>{percent(kept.shareOfSpans)}</dd>
        <dd class={page.more}>
          {compact(kept.spans)} of {compact(spans)}
        </dd>
      </div>
      <div>
        <dt>Bytes a day</dt>
        <dd>{size.keptPerDay === null ? "–" : bytes(size.keptPerDay)}</dd>
        <dd class={page.more}>
          {size.perDay === null ? "not known yet" : `of ${bytes(size.perDay)} without sampling`}
        </dd>
      </div>
      <div>
        <dt>Saved</dt>
        <dd>{saved === null ? "–" : percent(saved)}</dd>
        <dd class={page.more}>
          {size.perSpan === null ? "of bytes" : `at ${size.perSpan.toFixed(1)} bytes a span`}
        </dd>
      </div>
    </dl>
  );
}

function Warnings({ answer }: { answer: SamplingSimulation }) {
  const { longerThanWait, aboveMaximumSize, traces, policies } = answer;
  const texts = [
    longerThanWait > 0 &&
      `${counted(longerThanWait, "trace")} lasted longer than decision_wait: the processor would decide on what had arrived by then.`,
    aboveMaximumSize > 0 &&
      `${counted(aboveMaximumSize, "trace")} were above maximum_trace_size_bytes and not kept.`,
    traces.tooLarge > 0 &&
      `${counted(traces.tooLarge, "trace")} were left out, with too many spans to be looked at whole.`,
    ...policies.map(
      ({ name, failed }) =>
        failed > 0 && `${name} could not tell about ${counted(failed, "trace")}: its condition failed.`,
    ),
  ].filter((text): text is string => text !== false);
  if (texts.length === 0) return null;
  return (
    <ul class={`notice warning ${styles.warnings}`}>
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

function PolicyBar({
  name,
  type,
  kept,
  examples,
  policy,
}: {
  name: string;
  type: string;
  kept: SamplingPolicy["kept"];
  examples: SamplingExamples;
  policy?: SamplingPolicy;
}) {
  const isOpen = useSignal(false);
  const share = (count: number) =>
    kept.traces > 0 ? `${(count / kept.traces) * kept.shareOfTraces * 100}%` : "0%";
  const says = [
    policy && kept.traces > 0 && `${compact(policy.alone)} by it alone`,
    policy && policy.dropped > 0 && `${compact(policy.dropped)} dropped`,
    policy && policy.notAsked > 0 && `${compact(policy.notAsked)} not asked`,
  ].filter(Boolean);
  return (
    <li data-result={policy ? name : ""}>
      <button
        type="button"
        class={styles.bar}
        aria-expanded={isOpen.value}
        title={isOpen.value ? "Hide the examples" : "Show examples"}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <span class={styles.barName}>
          <span aria-hidden="true">{isOpen.value ? "▾" : "▸"}</span> {name}
          {type && <code class="secondary">{type}</code>}
        </span>
        <span class={styles.track} aria-hidden="true">
          <span class={styles.kept} style={{ width: `${kept.shareOfTraces * 100}%` }} />
          {policy && <span class={styles.alone} style={{ width: share(policy.alone) }} />}
        </span>
        <span class="numeric">
          <b>{percent(kept.shareOfTraces)}</b>{" "}
          <span class="secondary" data-count={kept.traces}>
            {counted(kept.traces, "trace")}
          </span>
        </span>
        <span class={`secondary ${styles.says}`}>{says.join(" · ")}</span>
      </button>
      {isOpen.value && <Examples examples={examples} />}
    </li>
  );
}

function Examples({ examples: { kept, notKept } }: { examples: SamplingExamples }) {
  return (
    <div class={styles.examples}>
      <ExampleList title="Kept" traces={kept} />
      <ExampleList title="Not kept" traces={notKept} />
    </div>
  );
}

function ExampleList({ title, traces }: { title: string; traces: readonly SampledTrace[] }) {
  return (
    <section aria-label={title}>
      <h3>
        {title} <span class="secondary">{traces.length > 0 ? "· the newest" : "· none"}</span>
      </h3>
      <ul>
        {traces.map(({ traceId, root, startUnixNanos, durationNanos, spans, errors }) => (
          <li key={traceId}>
            <a href={href(`/trace/${traceId}`)}>
              {root ? `${root.service} ${root.name}` : "the root has not been received"}
            </a>
            <span class="secondary">{clock(Number(BigInt(startUnixNanos) / 1_000_000n), utc.value)}</span>
            <span class="numeric">{duration(durationNanos)}</span>
            <span class="secondary numeric">{counted(spans, "span")}</span>
            <span class={errors > 0 ? "error-text numeric" : "secondary numeric"}>
              {errors > 0 ? counted(errors, "error") : "no error"}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
