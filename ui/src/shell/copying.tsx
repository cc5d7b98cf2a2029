/** Putting text into the clipboard, and saying that it is there. */
import { signal, useSignal } from "@preact/signals";
import styles from "./copying.module.css";
import { Icon } from "./icons.tsx";

/** What the page says to everybody for a moment, and to screen readers. */
export const announced = signal("");

const SHOWN_MILLIS = 1600;
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string, millis = SHOWN_MILLIS): void {
  announced.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    announced.value = "";
  }, millis);
}

/** Copies; browsers have no clipboard on pages that came over plain HTTP, except of this machine. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A button that copies, with a check where it did. */
export function Copy({ text, what }: { text: string; what: string }) {
  const isDone = useSignal(false);
  return (
    <button
      type="button"
      title="Copy"
      aria-label={`Copy ${what}`}
      onClick={() =>
        void copy(text).then(() => {
          announce(`Copied ${what}`);
          isDone.value = true;
          setTimeout(() => {
            isDone.value = false;
          }, SHOWN_MILLIS);
        })
      }
    >
      <Icon name={isDone.value ? "check" : "copy"} />
    </button>
  );
}

/** Where announcements are read from. */
export function Announcements() {
  return (
    <div class={styles.announcements} role="status" data-shown={announced.value !== ""}>
      {announced.value}
    </div>
  );
}
