/**
 * A trace in another page's frame: without navigation, in the theme of the address. It tells the page around it which
 * span is selected, and what leads elsewhere opens a page of its own.
 */
import { useEffect, useLayoutEffect } from "preact/hooks";
import { place } from "../router.ts";
import { TracePage } from "../trace/page.tsx";
import styles from "./app.module.css";
import { theme } from "./settings.ts";

export function EmbeddedTrace({ id }: { id: string }) {
  const { query } = place.value;
  const wanted = query.get("theme");
  const span = query.get("span");
  // Only here, and not kept: it is not the reader's choice.
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = wanted === "dark" || wanted === "light" ? wanted : theme.value;
  }, [wanted, theme.value]);
  useEffect(() => {
    // The policy of the server lets pages of the same site frame this one, and no others.
    if (span && parent !== window)
      parent.postMessage({ type: "span-selected", traceId: id, spanId: span }, location.origin);
  }, [id, span]);
  return (
    <main id="content" class={styles.content} tabIndex={-1}>
      <TracePage id={id} />
    </main>
  );
}
