import { effect, type ReadonlySignal } from "@preact/signals";
import { expect, test } from "vitest";
import { decodeSkeleton } from "../src/api/trace.ts";
import { SLOT, SLOT_NAMES, slotColor, slotOf } from "../src/text/colors.ts";
import { AttributeColors, byKind, byService, byStatus, byValues } from "../src/trace/coloring.ts";
import { modelOf } from "../src/trace/model.ts";
import { skeletonBytes } from "./skeleton.ts";

const skeleton = decodeSkeleton(
  skeletonBytes([
    { name: "GET /", start: 0, duration: 100 },
    { name: "load", service: 'c"art', parent: 0, start: 10, duration: 20, kind: 3 },
    { name: "select", service: "db", parent: 1, start: 12, duration: 10, error: true, kind: 1 },
    { name: "select", service: "db", parent: 1, start: 24, duration: 4, kind: 0 },
  ]),
);
/** Spans of which the second has POST and the others have GET. */
const attributes = {
  names: async () => [],
  values: async () => ["GET", "POST"].map((text) => ({ text, literal: `"${text}"`, count: 1 })),
};

test("services, kinds and status have a color each, most spans first", () => {
  const model = modelOf(skeleton);
  const services = byService(model, false);
  expect(services.meanings.map(({ label, spans }) => [label, spans])).toEqual([
    ["db", 2],
    ["web", 1],
    ['c"art', 1],
  ]);
  expect(services.meanings[2]?.q).toBe('{ resource.service.name = "c\\"art" }');
  expect(byService(model, true).meanings[0]?.q).toBe("db");
  expect([...services.slots]).toEqual([...skeleton.serviceOf].map((service) => model.slots[service]));
  const kinds = byKind(skeleton);
  expect(kinds.meanings.map(({ label, q }) => [label, q])).toEqual([
    ["unspecified", "{ kind = unspecified }"],
    ["internal", "{ kind = internal }"],
    ["server", "{ kind = server }"],
    ["client", "{ kind = client }"],
  ]);
  expect([kinds.slots[2], kinds.slots[3]]).toEqual([SLOT.none, SLOT.none]);
  const status = byStatus(skeleton);
  expect([...status.slots]).toEqual([SLOT.none, SLOT.none, SLOT.error, SLOT.none]);
  expect(status.meanings.map(({ label, spans }) => [label, spans])).toEqual([
    ["unset", 3],
    ["error", 1],
  ]);
});

test("values keep their color everywhere, and what has none is gray", () => {
  const has = (...bytes: number[]) => Uint8Array.from(bytes);
  const values = [
    { text: "GET", q: '{ span.m = "GET" }', has: has(1, 0, 1, 0) },
    { text: "", q: '{ span.m = "" }', has: has(0, 1, 0, 0) },
  ];
  const { slots, meanings } = byValues(4, values, "span.m", false);
  expect(slots[0]).toBe(slotOf("GET"));
  expect([slots[2], slots[3]]).toEqual([slots[0], SLOT.none]);
  expect(meanings.map(({ label, spans, q }) => [label, spans, q])).toEqual([
    ["GET", 2, '{ span.m = "GET" }'],
    ['""', 1, '{ span.m = "" }'],
    ["none", 1, "{ span.m = nil }"],
  ]);
  expect(byValues(4, values, "span.m", true).meanings.at(-1)).toMatchObject({
    label: "other or none",
    q: null,
  });
  expect([slotColor(3), slotColor(SLOT.error), slotColor(undefined)]).toEqual([
    "var(--service-3)",
    "var(--error)",
    "var(--text-3)",
  ]);
  expect(SLOT_NAMES).toHaveLength(15);
});

/** The first value that is there. */
const arrived = <T>(of: ReadonlySignal<T | null>) =>
  new Promise<T>((done) => {
    effect(() => {
      if (of.value !== null) done(of.value);
    });
  });

test("an attribute is asked for once, its values by one filter each", async () => {
  const colors = new AttributeColors(
    () => skeleton,
    {
      find: async (q) => Uint8Array.from(q === '{ span.m = "POST" }' ? [0, 1, 0, 0] : [1, 0, 0, 0]),
    },
    attributes,
  );
  const stop = colors.watch(() => "span.m");
  expect((await arrived(colors.now)).by).toBe("span.m");
  expect([...(colors.now.value?.coloring.slots ?? [])]).toEqual([
    slotOf("GET"),
    slotOf("POST"),
    SLOT.none,
    SLOT.none,
  ]);
  stop();
});

test("that an attribute cannot be asked for is told", async () => {
  const find = () => Promise.reject(new Error("too many spans"));
  const colors = new AttributeColors(() => skeleton, { find }, attributes);
  const stop = colors.watch(() => "span.m");
  expect((await arrived(colors.error)).message).toBe("too many spans");
  expect(colors.now.value).toBeNull();
  stop();
});
