/** A button that opens a list below it; the list closes when the focus leaves it. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import styles from "./bar.module.css";

export interface MenuProps {
  readonly label: string;
  readonly opened?: () => void;
  readonly children: (close: () => void) => ComponentChildren;
}

export function Menu({ label, opened, children }: MenuProps) {
  const isOpen = useSignal(false);
  const close = () => {
    isOpen.value = false;
  };
  return (
    <div
      class={styles.recent}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
      onFocusOut={(event) => {
        const to = event.relatedTarget;
        if (!(to instanceof Node) || !event.currentTarget.contains(to)) close();
      }}
    >
      <button
        type="button"
        class="button quiet"
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value;
          if (isOpen.value) opened?.();
        }}
      >
        {label}
      </button>
      {/* Its empty parts keep the focus within. */}
      {isOpen.value && (
        <div class={styles.menu} tabIndex={-1}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
