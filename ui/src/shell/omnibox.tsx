/** One box for a trace id in any form, an address of another tracing interface, TraceQL, or plain words. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { modernized, traceId } from "../legacy-urls.ts";
import { href, navigate, place } from "../router.ts";
import { quoted } from "../traceql.ts";
import styles from "./topbar.module.css";

/** Where a text leads. */
export function destination(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (/^https?:\/\//.test(trimmed)) {
    const url = URL.canParse(trimmed) ? new URL(trimmed) : null;
    if (!url) return null;
    const grafana = url.searchParams.get("panes");
    if (grafana) return fromGrafana(grafana);
    const named = /\/(?:trace|traces)\/([^/?]+)/.exec(url.pathname)?.[1];
    const place = modernized({ path: url.pathname, query: url.searchParams });
    if (place) return href(place.path, place.query);
    return named ? href(`/trace/${traceId(named) ?? named}`) : null;
  }
  const id = traceId(trimmed);
  if (id) return href(`/trace/${id}`);
  if (trimmed.startsWith("{")) return href("/search", { q: trimmed });
  // Words are looked for where people remember them from: names of operations and services.
  const words = quoted(`(?i).*${trimmed.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}.*`);
  return href("/search", { q: `{ name =~ ${words} || resource.service.name =~ ${words} }` });
}

function fromGrafana(panes: string): string | null {
  try {
    const parsed: unknown = JSON.parse(panes);
    const queries = Object.values(parsed as Record<string, { queries?: { query?: string }[] }>).flatMap(
      ({ queries = [] }) => queries,
    );
    const query = queries.find(({ query }) => query)?.query;
    return query ? destination(query) : null;
  } catch {
    return null;
  }
}

export function Omnibox() {
  const input = useRef<HTMLInputElement>(null);
  const hint = useSignal("");
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        input.current?.select();
      }
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  return (
    <form
      class={styles.omnibox}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const to = destination(input.current?.value ?? "");
        hint.value = to ? "" : "No trace id, TraceQL or address that is known here";
        if (!to) return;
        const range = new URLSearchParams();
        for (const name of ["from", "to"]) {
          const value = place.peek().query.get(name);
          if (value && !to.includes(`${name}=`)) range.set(name, value);
        }
        const extra = range.toString();
        navigate(extra && to.includes("/search") ? `${to}&${extra}` : to);
        if (input.current) input.current.value = "";
      }}
    >
      <input
        ref={input}
        class="field"
        aria-label="Trace id, TraceQL or words"
        placeholder="Trace id, TraceQL or words    ctrl K"
        spellcheck={false}
        autocomplete="off"
      />
      {hint.value && (
        <span class={styles.hint} role="alert">
          {hint.value}
        </span>
      )}
    </form>
  );
}
