/** Links from a span to logs, metrics and whatever else the operator has named. */
import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { getJson } from "../../api/http.ts";
import { Loader } from "../../api/loaded.ts";
import type { KeyValue, LinkPattern, LinkTemplates } from "../../api/schema.ts";
import type { SpanDetail } from "../../api/trace.ts";
import { Icon } from "../../shell/icons.tsx";
import styles from "../detail.module.css";
import type { TraceState } from "../state.ts";
import { exploreUrl } from "./explore.ts";
import { fill, fillUrl, type Lookup, namesIn } from "./fill.ts";
import { above, inLists, listsOf, traceValues } from "./values.ts";

export interface OutsideLink {
  readonly url: string;
  readonly text: string;
}

const NONE: LinkTemplates = { patterns: [], explore: [] };
const templates = signal<LinkTemplates>(NONE);
let isAsked = false;

/** What the operator has named; asked for once, and without it there are no links. */
function useTemplates(): LinkTemplates {
  useEffect(() => {
    if (isAsked) return;
    isAsked = true;
    getJson<LinkTemplates>("/api/ui/link-templates", {}, new AbortController().signal).then(
      (found) => {
        templates.value = found;
      },
      () => {
        isAsked = false;
      },
    );
  }, []);
  return templates.value;
}

export function linkOf({ url, text }: LinkPattern, lookup: Lookup): OutsideLink | null {
  const [address, label] = [fillUrl(url, lookup), fill(text, lookup)];
  return address !== null && label !== null ? { url: address, text: label } : null;
}

/** What leads from a span, its attributes and its trace to elsewhere. */
export interface Outside {
  /** From the span as a whole. */
  readonly links: readonly OutsideLink[];
  /** From one of its attributes; `event` has those of the event. */
  at(on: "span" | "resource" | "event", key: string, event?: readonly KeyValue[]): OutsideLink[];
}

/** The links of a span. Spans above it are asked for when a template names what it does not have. */
export function useOutside(state: TraceState, position: number, detail: SpanDetail): Outside {
  const { patterns, explore } = useTemplates();
  const loader = useMemo(() => new Loader<SpanDetail[]>(), [detail]);
  const own = listsOf(detail, []);
  const names = patterns.flatMap(({ url, text }) => [...namesIn(url), ...namesIn(text)]);
  const isMissing = names.some((name) => inLists(own)(name) === undefined && !name.startsWith("trace."));
  useEffect(() => {
    const ids = above(state, position).map((at) => state.spanId(at));
    if (isMissing && ids.length > 0) void loader.ask((signal) => state.source.spans(ids, signal));
    return () => loader.cancel();
  }, [loader, isMissing]);
  const order = above(state, position).map((at) => state.spanId(at));
  const found = loader.state.value.value ?? [];
  const nearest = order.flatMap((id) => found.filter(({ span }) => span.spanId === id));
  const ofSpan = inLists(listsOf(detail, nearest));
  const ofTrace = traceValues(state);
  const lookup =
    (first: readonly KeyValue[]): Lookup =>
    (name) =>
      name.startsWith("trace.") ? ofTrace(name.slice(6)) : (inLists([first])(name) ?? ofSpan(name));
  const { span } = detail;
  const facts = {
    traceId: state.skeleton.traceId,
    spanId: span.spanId,
    name: span.name ?? "",
    startMillis: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
    endMillis: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    duration: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)),
    attribute: inLists(own),
  };
  const links = [
    ...explore.map((link) => {
      const url = exploreUrl(link, facts);
      return url === null ? null : { url, text: link.text };
    }),
    ...patterns.filter(({ on }) => on === "trace").map((pattern) => linkOf(pattern, ofTrace)),
  ];
  return {
    links: links.filter((link) => link !== null),
    at: (on, key, event) =>
      patterns
        .filter((pattern) => pattern.on === on && pattern.keys.includes(key))
        .map((pattern) => linkOf(pattern, lookup(event ?? (on === "resource" ? detail.resource : []))))
        .filter((link) => link !== null),
  };
}

export function OutsideLinks({ links }: { links: readonly OutsideLink[] }) {
  if (links.length === 0) return null;
  return (
    <nav class={styles.outside} aria-label="Elsewhere">
      {links.map(({ url, text }) => (
        <a key={url} class="button quiet" href={url} target="_blank" rel="noreferrer">
          {text} <Icon name="outside" />
        </a>
      ))}
    </nav>
  );
}

/** The same as icons, behind a value. */
export function OutsideIcons({ links }: { links: readonly OutsideLink[] }) {
  return (
    <>
      {links.map(({ url, text }) => (
        <a
          key={url}
          class={styles.outsideIcon}
          href={url}
          target="_blank"
          rel="noreferrer"
          title={text}
          aria-label={text}
        >
          <Icon name="outside" />
        </a>
      ))}
    </>
  );
}
