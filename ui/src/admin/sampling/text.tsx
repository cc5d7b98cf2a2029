/** The rules as YAML, with the line of each problem. */
import { useEffect, useRef } from "preact/hooks";
import type { SamplingProblem } from "../../api/schema.ts";
import styles from "./sampling.module.css";

interface Props {
  text: string;
  isWrong: boolean;
  write: (text: string) => void;
  simulate: () => void;
  /** A line to go to, from 1. */
  line: number | null;
}

export function YamlText({ text, isWrong, write, simulate, line }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (line !== null && area.current) goTo(area.current, line);
  }, [line]);
  const lines = text.split("\n").length;
  return (
    <div class={styles.yaml}>
      <div class={styles.lineNumbers} aria-hidden="true">
        {Array.from({ length: lines }, (_, i) => (
          <span key={i}>{i + 1}</span>
        ))}
      </div>
      <textarea
        ref={area}
        aria-label="Rules as YAML"
        aria-invalid={isWrong}
        value={text}
        rows={Math.max(12, lines)}
        wrap="off"
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          simulate();
        }}
      />
    </div>
  );
}

/** Puts the cursor at the beginning of a line and shows it. */
export function goTo(area: HTMLTextAreaElement, line: number): void {
  const before = area.value.split("\n").slice(0, line - 1);
  const start = before.reduce((sum, one) => sum + one.length + 1, 0);
  const end = area.value.indexOf("\n", start);
  area.focus();
  area.setSelectionRange(start, end < 0 ? area.value.length : end);
}

/** What is wrong, and what deserves a warning; a line that is pressed is gone to. */
export function Problems({
  problems,
  warnings,
  open,
}: {
  problems: readonly SamplingProblem[];
  warnings: readonly SamplingProblem[];
  open: (line: number) => void;
}) {
  const all = [
    ...problems.map((problem) => ({ ...problem, isWrong: true })),
    ...warnings.map((problem) => ({ ...problem, isWrong: false })),
  ];
  if (all.length === 0) return null;
  return (
    <ul class={styles.problems} aria-label="What is wrong with the rules" aria-live="polite">
      {all.map(({ line, path, message, advice, isWrong }, i) => (
        <li key={i} class={`notice ${isWrong ? "error" : "warning"}`}>
          {line !== null && (
            <button type="button" class={styles.line} onClick={() => open(line)}>
              line {line}
            </button>
          )}
          <span>
            <code>{path.replace(/^processors::[^:]+(::)?/, "").replaceAll("::", ".")}</code> {message}
            {advice && <span class="secondary"> ({advice})</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
