/** Which part of a page is shown; the address says it. */
import { setQuery } from "../router.ts";
import styles from "./tabs.module.css";

export function Tabs<T extends string>({
  label,
  tabs,
  current,
  name = "tab",
}: {
  label: string;
  /** Key and text; the first is what is shown when the address says nothing. */
  tabs: readonly (readonly [T, string])[];
  current: T;
  name?: string;
}) {
  const choose = (key: T) => setQuery({ [name]: key === tabs[0]?.[0] ? undefined : key, order: undefined });
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = tabs.findIndex(([key]) => key === current);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    choose(next[0]);
    const buttons = (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=tab]");
    buttons[tabs.indexOf(next)]?.focus();
  };
  return (
    <div role="tablist" aria-label={label} class={styles.tabs} onKeyDown={move}>
      {tabs.map(([key, text]) => (
        <button
          key={key}
          type="button"
          role="tab"
          aria-selected={key === current}
          tabIndex={key === current ? 0 : -1}
          onClick={() => choose(key)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** One of a few choices, all of them in sight. */
export function Choices<T extends string>({
  label,
  choices,
  current,
  choose,
}: {
  label: string;
  choices: readonly (readonly [T, string])[];
  current: T;
  choose: (key: T) => void;
}) {
  return (
    <fieldset class={styles.choices}>
      <legend class="visually-hidden">{label}</legend>
      {choices.map(([key, text]) => (
        <label key={key} data-chosen={key === current}>
          <input
            type="radio"
            class="visually-hidden"
            name={label}
            checked={key === current}
            onChange={() => choose(key)}
          />
          {text}
        </label>
      ))}
    </fieldset>
  );
}
