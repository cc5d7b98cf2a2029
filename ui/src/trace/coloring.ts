/** What the colors of spans mean: services, or kinds, status, values of an attribute. */
import { effect, type Signal, signal } from "@preact/signals";
import { isError, KINDS, kindOf, type Skeleton, type TraceSource } from "../api/trace.ts";
import type { TraceAttributes } from "../api/values.ts";
import { distinctSlots, SLOT } from "../text/colors.ts";
import { quoted } from "../traceql.ts";
import type { Model } from "./model.ts";

/** What one color stands for. */
export interface Meaning {
  readonly label: string;
  readonly slot: number;
  readonly spans: number;
  /** Finds its spans; `null` where nothing does. */
  readonly q: string | null;
}

export interface Coloring {
  /** Slot of the palette of each span. */
  readonly slots: Uint8Array;
  /** Most spans first, then those that share a color. */
  readonly meanings: readonly Meaning[];
}

/** A value of an attribute, and which spans have it: one byte each. */
export interface Having {
  readonly text: string;
  readonly q: string;
  readonly has: Uint8Array;
}

export function byService({ skeleton, slots }: Model, isFile: boolean): Coloring {
  const { services, serviceOf } = skeleton;
  return grouped(
    skeleton.n,
    (i) => serviceOf[i] ?? 0,
    services.map((label, service) => {
      const q = isFile ? label : `{ resource.service.name = ${quoted(label)} }`;
      return { label, slot: slots[service] ?? 0, q };
    }),
  );
}

/** Most spans are internal: they are the background of the others. */
const KIND_SLOTS = [SLOT.none, SLOT.none, 0, 2, 7, 5];

export function byKind({ n, flags }: Skeleton): Coloring {
  const meanings = KINDS.map((kind, i) => ({
    label: kind,
    slot: KIND_SLOTS[i] ?? SLOT.none,
    q: `{ kind = ${kind} }`,
  }));
  return grouped(n, (i) => KINDS.indexOf(kindOf(flags[i] ?? 0)), meanings);
}

const STATUS = [
  { label: "unset", slot: SLOT.none, q: "{ status = unset }" },
  { label: "ok", slot: SLOT.ok, q: "{ status = ok }" },
  { label: "error", slot: SLOT.error, q: "{ status = error }" },
];

export function byStatus({ n, flags }: Skeleton): Coloring {
  return grouped(n, (i) => (isError(flags[i] ?? 0) ? 2 : ((flags[i] ?? 0) >> 3) & 1), STATUS);
}

function grouped(
  n: number,
  groupOf: (i: number) => number,
  meanings: readonly Omit<Meaning, "spans">[],
): Coloring {
  const spans = new Uint32Array(meanings.length);
  const slots = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const group = groupOf(i);
    spans[group] = (spans[group] ?? 0) + 1;
    slots[i] = meanings[group]?.slot ?? SLOT.none;
  }
  const counted = meanings.map((meaning, i) => ({ ...meaning, spans: spans[i] ?? 0 }));
  return { slots, meanings: counted.filter(({ spans }) => spans > 0).sort((a, b) => b.spans - a.spans) };
}

/** Of values that have a color each; `hasMore` when there are values without one. */
export function byValues(
  n: number,
  values: readonly Having[],
  attribute: string,
  hasMore: boolean,
): Coloring {
  const slots = new Uint8Array(n).fill(SLOT.none);
  const distinct = distinctSlots(values.map(({ text }) => text));
  const meanings = values.map(({ text, q, has }, k) => {
    const slot = distinct[k] ?? SLOT.none;
    let spans = 0;
    for (let i = 0; i < n; i++) {
      if (!has[i]) continue;
      slots[i] = slot;
      spans++;
    }
    return { label: text === "" ? '""' : text, slot, spans, q };
  });
  const rest = slots.reduce((all, slot) => all + (slot === SLOT.none ? 1 : 0), 0);
  if (rest > 0)
    meanings.push({
      label: hasMore ? "other or none" : "none",
      slot: SLOT.none,
      spans: rest,
      q: hasMore ? "" : `{ ${attribute} = nil }`,
    });
  return { slots, meanings: meanings.map((meaning) => ({ ...meaning, q: meaning.q || null })) };
}

/** Values that have a color of their own. */
const VALUES_MAX = 12;

/** Brings what the server has to be asked for. */
export class AttributeColors {
  /** The coloring of an attribute, once it is there. */
  readonly now: Signal<{ readonly by: string; readonly n: number; readonly coloring: Coloring } | null> =
    signal(null);
  readonly error: Signal<Error | null> = signal(null);

  constructor(
    private readonly skeleton: () => Skeleton,
    private readonly source: Pick<TraceSource, "find">,
    /** `null` for a trace that cannot be asked. */
    readonly attributes: TraceAttributes | null,
  ) {}

  /** Asks whenever the attribute changes or spans arrive, until the returned function is called; `null` asks for nothing. */
  watch(attribute: () => string | null): () => void {
    let running: AbortController | undefined;
    const stop = effect(() => {
      const by = attribute();
      const { n } = this.skeleton();
      running?.abort();
      this.error.value = null;
      const now = this.now.peek();
      if (by === null || (now?.by === by && now.n === n)) return;
      running = new AbortController();
      void this.ask(by, n, running.signal);
    });
    return () => {
      stop();
      running?.abort();
    };
  }

  private async ask(by: string, n: number, signal: AbortSignal): Promise<void> {
    try {
      const all = (await this.attributes?.values(by, signal)) ?? [];
      const values = await Promise.all(
        all.slice(0, VALUES_MAX).map(async ({ text, literal }) => {
          const q = `{ ${by} = ${literal} }`;
          return { text, q, has: await this.source.find(q, signal) };
        }),
      );
      const coloring = byValues(n, values, by, all.length > VALUES_MAX);
      if (!signal.aborted) this.now.value = { by, n, coloring };
    } catch (error) {
      if (!signal.aborted) this.error.value = error instanceof Error ? error : new Error(String(error));
    }
  }
}
