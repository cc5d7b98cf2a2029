/** A field for a query: colored, with its mistakes underlined, and with a list of what can follow. */
import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Range } from "../api/metrics.ts";
import { counted } from "../text/numbers.ts";
import styles from "./editor.module.css";
import { check, complete, lineAndColumn, mended, type Problem } from "./language.ts";
import { type Source, type Suggestions, useSuggestions } from "./suggestions.ts";
import { bracketsAt, type Token, tokensOf } from "./tokens.ts";

export interface EditorProps {
  /** What is in the field. */
  readonly text: Signal<string>;
  readonly label: string;
  readonly run: () => void;
  /** The time whose attributes and values are suggested. */
  readonly range: Range;
  /** Receives what the server finds wrong. */
  readonly problems?: Signal<readonly Problem[]>;
}

/** Milliseconds of rest after which a query is looked at: one that is being written is no mistake yet. */
const REST = 350;

/** A field for TraceQL, checked while it is written. */
export function QueryEditor({ text, label, run, range, problems }: EditorProps) {
  const own = useSignal<readonly Problem[]>([]);
  const found = problems ?? own;
  useChecked(text.value, found);
  return (
    <Editor
      {...{ text, label, run }}
      problems={found}
      tokensOf={tokensOf}
      source={(query, at, signal) => complete(query, at, range, signal)}
      keyOf={keyOf}
    />
  );
}

/** What a field needs to know of its language. */
export interface LanguageProps {
  readonly text: Signal<string>;
  readonly label: string;
  readonly run: () => void;
  readonly problems: Signal<readonly Problem[]>;
  readonly tokensOf: (text: string) => Token[];
  readonly source: Source;
  readonly keyOf: (event: KeyboardEvent, isOpen: boolean, active: number) => Handled | null;
  readonly field?: RefObject<HTMLTextAreaElement | null>;
  /** A field of several lines scrolls. */
  readonly isTall?: boolean;
}

/** Writes into a field and puts the caret there; with the next picture it would be behind what was typed meanwhile. */
export function writeInto(field: HTMLTextAreaElement | null, text: string, at: number): void {
  if (!field) return;
  field.value = text;
  field.setSelectionRange(at, at);
}

export function Editor(props: LanguageProps) {
  const { text, label, run, problems: found, tokensOf } = props;
  const id = useId();
  const own = useRef<HTMLTextAreaElement>(null);
  const input = props.field ?? own;
  const layer = useRef<HTMLPreElement>(null);
  const caret = useSignal(-1);
  const list = useSuggestions(props.source);
  const write = (query: string, at: number) => {
    text.value = query;
    caret.value = at;
    writeInto(input.current, query, at);
  };
  const choose = (index: number) => {
    const item = list.found.peek()?.items[index];
    if (!item) return;
    const { query, at } = list.accept(text.peek(), item);
    input.current?.focus();
    write(query, at);
    list.ask(query, at);
  };
  const start = () => {
    list.close();
    run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isOpen = list.found.peek() !== null;
    const handled = props.keyOf(event, isOpen, list.active.peek());
    // One that is on its way would open after all.
    if (event.key === "Escape" && !isOpen) list.close();
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
    if (handled === "run") start();
    if (handled === "accept") choose(Math.max(0, list.active.peek()));
    if (handled === "close") list.close();
    if (handled === "next") list.move(1);
    if (handled === "previous") list.move(-1);
    const at = input.current?.selectionStart ?? 0;
    if (handled === "suggest") list.ask(text.peek(), at);
    if (handled === "line") {
      write(`${text.peek().slice(0, at)}\n${text.peek().slice(at)}`, at + 1);
    }
  };
  const items = list.found.value?.items ?? [];
  const active = list.active.value;
  // That the end is not there yet is no news to somebody who is writing it.
  const isWriting = caret.value >= 0;
  const told = found.value.filter(
    ({ from }) => !isWriting || (from < text.value.length && items.length === 0),
  );
  return (
    <div class={styles.editor}>
      <div class={styles.box}>
        <div class={styles.text} data-tall={props.isTall}>
          <pre ref={layer} class={styles.layer} aria-hidden="true">
            <Colored
              text={text.value}
              tokens={tokensOf(text.value)}
              problems={found.value}
              caret={caret.value}
            />
          </pre>
          <textarea
            ref={input}
            class={styles.input}
            aria-label={label}
            aria-autocomplete="list"
            aria-haspopup="listbox"
            aria-controls={items.length > 0 ? `${id}-list` : undefined}
            aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
            aria-invalid={found.value.some(({ severity }) => severity === "error")}
            aria-describedby={told.length > 0 ? `${id}-problems` : undefined}
            rows={1}
            spellcheck={false}
            autocapitalize="off"
            autocomplete="off"
            value={text.value}
            onInput={(event) => {
              const { value, selectionStart } = event.currentTarget;
              text.value = value;
              caret.value = selectionStart;
              list.ask(value, selectionStart);
            }}
            onSelect={(event) => {
              caret.value = event.currentTarget.selectionStart;
            }}
            onBlur={() => {
              caret.value = -1;
              list.close();
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <span class="visually-hidden" role="status">
          {items.length > 0 && counted(items.length, "suggestion")}
        </span>
        {items.length > 0 && (
          <Listbox id={id} label={label} list={list} choose={choose} layer={layer.current} />
        )}
      </div>
      {told.length > 0 && (
        <Problems
          id={`${id}-problems`}
          text={text.value}
          problems={told}
          mend={(problem) => {
            text.value = mended(text.peek(), problem);
            input.current?.focus();
          }}
        />
      )}
    </div>
  );
}

export type Handled = "run" | "line" | "accept" | "close" | "next" | "previous" | "suggest";

/** What a key does here; `null` for what the browser does with it. */
export function keyOf(
  { key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent,
  isOpen: boolean,
  active: number,
): Handled | null {
  if (key === "Enter" && altKey) return "line";
  // A list that nobody has looked into does not stand between a person and the answer.
  if (key === "Enter") return isOpen && active >= 0 && !shiftKey && !ctrlKey && !metaKey ? "accept" : "run";
  if (key === " " && ctrlKey) return "suggest";
  if (!isOpen) return null;
  if (key === "Tab" && !shiftKey) return "accept";
  if (key === "Escape") return "close";
  if (key === "ArrowDown") return "next";
  return key === "ArrowUp" ? "previous" : null;
}

/** Looks at the query once it rests. */
function useChecked(text: string, found: Signal<readonly Problem[]>): void {
  useEffect(() => {
    const running = new AbortController();
    const timer = setTimeout(async () => {
      try {
        found.value = (await check(text, running.signal)).problems;
      } catch {
        // Whoever runs the query is told what is wrong with it.
        if (!running.signal.aborted) found.value = [];
      }
    }, REST);
    // What was wrong may be right by now; the positions are of another text in any case.
    if (found.peek().length > 0) found.value = [];
    return () => {
      clearTimeout(timer);
      running.abort();
    };
  }, [text, found]);
}

interface Piece extends Token {
  readonly problem: Problem | undefined;
}

/** Pieces cut where a mistake begins or ends. */
export function piecesOf(
  text: string,
  problems: readonly Problem[],
  tokens: readonly Token[] = tokensOf(text),
): Piece[] {
  const cuts = problems.flatMap(({ from, to }) => [from, to]);
  return tokens.flatMap((token) => {
    const end = token.from + token.text.length;
    const inside = cuts.filter((cut) => cut > token.from && cut < end);
    const edges = [token.from, ...new Set(inside.sort((a, b) => a - b)), end];
    return edges.slice(0, -1).map((from, i) => ({
      kind: token.kind,
      from,
      text: text.slice(from, edges[i + 1]),
      problem: problems.find((problem) => from >= problem.from && from < problem.to),
    }));
  });
}

function Colored({
  text,
  tokens,
  problems,
  caret,
}: {
  text: string;
  tokens: readonly Token[];
  problems: readonly Problem[];
  caret: number;
}) {
  const brackets = caret < 0 ? null : bracketsAt(tokens, caret);
  const isAtEnd = problems.some(({ from }) => from >= text.length);
  return (
    <>
      {piecesOf(text, problems, tokens).map(({ kind, text, from, problem }) => (
        <span
          key={from}
          data-kind={kind}
          data-problem={problem?.severity}
          data-bracket={brackets?.includes(from) || undefined}
        >
          {text}
        </span>
      ))}
      {isAtEnd && <span data-problem="error"> </span>}
      {/* The last line has its height even when it is empty. */}
      {"\u200b"}
    </>
  );
}

function Listbox({
  id,
  label,
  list,
  choose,
  layer,
}: {
  id: string;
  label: string;
  list: Suggestions;
  choose: (index: number) => void;
  layer: HTMLElement | null;
}) {
  const box = useRef<HTMLDivElement>(null);
  const { items, from } = list.found.value ?? { items: [], from: 0 };
  const active = list.active.value;
  useEffect(() => {
    box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const { left, top } = positionOf(layer, from);
  return (
    <div
      ref={box}
      id={`${id}-list`}
      class={styles.list}
      role="listbox"
      aria-label={`Suggestions for ${label}`}
      style={{ left: `${left}px`, top: `${top}px` }}
    >
      {items.map(({ text, kind, detail }, i) => (
        <div
          key={`${kind} ${text}`}
          id={`${id}-${i}`}
          role="option"
          tabIndex={-1}
          aria-selected={i === active}
          onMouseDown={(event) => {
            // The field keeps the focus.
            event.preventDefault();
            choose(i);
          }}
        >
          <span class={styles.item}>{text}</span>
          <span class={styles.detail}>{detail ?? kind}</span>
        </div>
      ))}
    </div>
  );
}

/** Where a position of the text is drawn, within the editor. */
function positionOf(layer: HTMLElement | null, at: number): { left: number; top: number } {
  if (!layer) return { left: 0, top: 28 };
  const walker = document.createTreeWalker(layer, NodeFilter.SHOW_TEXT);
  let before = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (before + length >= at) {
      const range = document.createRange();
      range.setStart(node, Math.max(0, at - before));
      // Of what the list is placed in, which does not scroll.
      const box = layer.parentElement?.parentElement ?? layer;
      const [here, frame] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
      const left = Math.min(here.left - frame.left, Math.max(0, frame.width - 280));
      return { left, top: here.bottom - frame.top + 4 };
    }
    before += length;
  }
  return { left: 0, top: 28 };
}

function Problems({
  id,
  text,
  problems,
  mend,
}: {
  id: string;
  text: string;
  problems: readonly Problem[];
  mend: (problem: Problem) => void;
}) {
  return (
    <div id={id} role="alert">
      <ul class={styles.problems}>
        {problems.slice(0, 3).map((problem) => {
          const { line, column } = lineAndColumn(text, problem.from);
          return (
            <li key={`${problem.from} ${problem.message}`} data-severity={problem.severity}>
              <span class={styles.where}>
                line {line}, col {column}
              </span>{" "}
              {problem.message}
              {problem.replace !== null && (
                <button type="button" class={styles.mend} onClick={() => mend(problem)}>
                  {problem.replace === "" ? "remove it" : `write ${problem.replace}`}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
