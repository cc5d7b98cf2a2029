/** Choosing an attribute out of those that the spans have. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import type { Range } from "../api/metrics.ts";
import { fetchAttributes } from "../api/values.ts";
import styles from "./attributes.module.css";

const INTRINSICS = ["name", "status", "kind", "statusMessage", "rootName", "rootServiceName"];

async function fetchNames(range: Range, signal: AbortSignal): Promise<string[]> {
  return [...INTRINSICS, ...(await fetchAttributes(range, signal))];
}

export function AttributePicker({
  label,
  range,
  choose,
}: {
  label: string;
  range: Range;
  choose: (name: string) => void;
}) {
  const id = useId();
  const isOpen = useSignal(false);
  const loader = useMemo(() => new Loader<string[]>(), []);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
  }, [isOpen.value]);
  useEffect(() => {
    if (isOpen.value) void loader.ask((signal) => fetchNames(range, signal));
  }, [isOpen.value, range]);
  if (!isOpen.value) {
    return (
      <button
        type="button"
        class={`button quiet ${styles.add}`}
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {label}
      </button>
    );
  }
  const take = (value: string) => {
    const name = value.trim();
    isOpen.value = false;
    if (name !== "") choose(name);
  };
  const names = loader.state.value.value ?? [];
  return (
    <span class={styles.picker}>
      <input
        ref={input}
        class="field mono"
        aria-label="Attribute"
        placeholder="span.http.route"
        list={`${id}-names`}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => {
          // A whole name comes from the list, or is finished with Enter.
          const { value } = event.currentTarget;
          if (names.includes(value) && !(event as InputEvent).inputType?.startsWith("insertText"))
            take(value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            take(event.currentTarget.value);
          }
          if (event.key === "Escape") isOpen.value = false;
        }}
        onBlur={(event) => {
          if (event.currentTarget.value === "") isOpen.value = false;
        }}
      />
      <datalist id={`${id}-names`}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </span>
  );
}
