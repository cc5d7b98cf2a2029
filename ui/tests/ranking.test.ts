import { expect, test } from "vitest";
import type { ComparedAttribute, Comparison } from "../src/api/schema.ts";
import { type Card, conditionsOf, liftOf, rankingOf, sentenceOf } from "../src/compare/ranking.ts";

const attribute = (name: string, rest: Partial<ComparedAttribute>): ComparedAttribute => ({
  name,
  score: 100,
  lift: 1,
  idLike: false,
  ofSelection: false,
  sameAs: [],
  values: [],
  other: { selection: 0, baseline: 0 },
  absent: { selection: 0, baseline: 0 },
  ...rest,
});

const value = (text: string, selection: number, baseline: number) => ({
  literal: JSON.stringify(text),
  text,
  filter: `peer = ${JSON.stringify(text)}`,
  selection,
  baseline,
});

const comparison = (...attributes: ComparedAttribute[]): Comparison => ({
  selection: { spans: 100 },
  baseline: { spans: 1000 },
  complete: true,
  leftOut: 0,
  attributes,
});

const VERSION = attribute("version", {
  values: [value("good", 8, 890), value("bad", 92, 110)],
});

const only = (of: ComparedAttribute) => rankingOf(comparison(of)).telling[0] as Card;

test("the sentence is about what the selection has more of", () => {
  expect(sentenceOf(only(VERSION))).toEqual({
    what: "version = bad",
    says: "is 92 % of the selection, 11 % of the rest",
  });
  expect(liftOf(only(VERSION))).toBe("8.4\u00d7");
});

test("absence is a value, where its difference belongs", () => {
  const card = only(
    attribute("peer", {
      values: [value("a", 10, 900), value("b", 5, 60)],
      absent: { selection: 80, baseline: 20 },
      other: { selection: 5, baseline: 20 },
    }),
  );
  expect(card.rows.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    "value a",
    "absent absent",
    "value b",
    "other other values",
  ]);
  expect(sentenceOf(card)).toEqual({
    what: "peer",
    says: "is absent in 80 % of the selection, 2.0 % of the rest",
  });
  expect(card.rows.map(conditionsOf)).toEqual([
    { is: 'peer = "a"', isNot: 'peer != "a"' },
    { is: "peer = nil", isNot: "peer != nil" },
    { is: 'peer = "b"', isNot: 'peer != "b"' },
    null,
  ]);
});

test("what only one side has is said so", () => {
  expect(liftOf(only(attribute("x", { values: [value("new", 40, 0)] })))).toBe("only here");
  const gone = only(attribute("x", { values: [value("old", 0, 400)] }));
  expect(liftOf(gone)).toBe("never here");
  expect(sentenceOf(gone).says).toBe("is 0 % of the selection, 40 % of the rest");
});

test("noise, ids and what was asked for are set apart, the rest keeps its order", () => {
  const ranking = rankingOf(
    comparison(
      attribute("duration", { ofSelection: true, values: [value("long", 100, 0)] }),
      attribute("id", { idLike: true, values: [value("1", 50, 1)] }),
      VERSION,
      attribute("sure but small", { values: [value("x", 51, 500)] }),
      attribute("big but unsure", { score: 3, values: [value("x", 60, 500)] }),
      attribute("region", { values: [value("eu", 70, 300)] }),
      attribute("nothing", {}),
    ),
  );
  const names = (cards: readonly Card[]) => cards.map(({ attribute }) => attribute.name);
  expect(names(ranking.telling)).toEqual(["version", "region"]);
  expect(names(ranking.asked)).toEqual(["duration"]);
  expect(names(ranking.alike)).toEqual(["sure but small", "big but unsure"]);
  expect(names(ranking.idLike)).toEqual(["id"]);
});

test("sides without spans have no shares", () => {
  const empty = { ...comparison(VERSION), selection: { spans: 0 } };
  expect(rankingOf(empty).telling[0]?.rows.map(({ selection }) => selection)).toEqual([0, 0]);
});

test("what is more than an equality is denied as a whole", () => {
  const row = { kind: "value", text: "1 to 2 s", selection: 1, baseline: 0 } as const;
  expect(conditionsOf({ ...row, filter: "duration >= 1s && duration < 2s" })).toEqual({
    is: "duration >= 1s && duration < 2s",
    isNot: "!(duration >= 1s && duration < 2s)",
  });
  expect(conditionsOf({ ...row, filter: 'name="a = b"' })?.isNot).toBe('name!="a = b"');
});
