/** Something that opens below a button, and closes when the focus or a click goes elsewhere. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import styles from "./pop.module.css";

export function Pop({
  label,
  title,
  className,
  align = "left",
  children,
}: {
  label: ComponentChildren;
  title?: string;
  className?: string | undefined;
  /** Which edge is below that of the button. */
  align?: "left" | "right";
  children: ComponentChildren;
}) {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const element = details.current;
      if (element?.open && !element.contains(event.target as Node)) element.open = false;
    };
    addEventListener("pointerdown", close);
    addEventListener("focusin", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("focusin", close);
    };
  }, []);
  return (
    <details
      ref={details}
      class={styles.pop}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !details.current?.open) return;
        event.stopPropagation();
        details.current.open = false;
        details.current.querySelector("summary")?.focus();
      }}
    >
      <summary class={`button quiet ${className ?? ""}`} title={title}>
        {label}
      </summary>
      <div class={styles.panel} data-align={align}>
        {children}
      </div>
    </details>
  );
}
