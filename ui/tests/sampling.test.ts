import { expect, test } from "vitest";
import {
  collectorYaml,
  DEFAULT_TEXT,
  FORMS,
  freshPolicy,
  hasComments,
  isRounded,
  isShown,
  moved,
  otherKeys,
  policiesOf,
  withField,
} from "../src/admin/sampling/model.ts";
import { type Json, yamlOf } from "../src/admin/sampling/yaml.ts";

test("the first rules are written as people write them", () => {
  expect(DEFAULT_TEXT).toBe(`decision_wait: 30s
policies:
  - name: errors
    type: status_code
    status_code:
      status_codes: [ERROR]
  - name: slow
    type: latency
    latency:
      threshold_ms: 500
  - name: the rest
    type: probabilistic
    probabilistic:
      sampling_percentage: 10
`);
});

test.each<[Json, string]>([
  ["text", "text\n"],
  ["5", '"5"\n'],
  ["30s", "30s\n"],
  ["off", '"off"\n'],
  ["", '""\n'],
  ["a: b", '"a: b"\n'],
  ["a, b", '"a, b"\n'],
  ["# no comment", '"# no comment"\n'],
  ['name == "x"', '"name == \\"x\\""\n'],
  ["a\u2028b", '"a\\u2028b"\n'],
  [[], "[]\n"],
  [{}, "{}\n"],
  [{ a: null, b: [1.5, true] }, "a: null\nb: [1.5, true]\n"],
  [[[1], [{ a: 1 }]], "- [1]\n-\n  - a: 1\n"],
  [{ "a b": { c: [{ d: {}, e: [{ f: 1 }] }] } }, "a b:\n  c:\n    - d: {}\n      e:\n        - f: 1\n"],
])("%j is %j", (value, yaml) => expect(yamlOf(value)).toBe(yaml));

test("a long list has a line for each", () => {
  const values = Array.from({ length: 12 }, (_, i) => `/a/long/route/${i}`);
  expect(yamlOf({ values })).toBe(`values:\n${values.map((value) => `  - ${value}\n`).join("")}`);
});

test("a fresh policy of every type is one that the form shows", () => {
  for (const type of Object.keys(FORMS)) expect(isShown(freshPolicy(type, [])), type).toBe(true);
  const first = freshPolicy("latency", []);
  expect(freshPolicy("latency", [first]).name).toBe(`${first.name} 2`);
});

test.each<[string, Json]>([
  ["a type without fields", { name: "a", type: "and", and: {} }],
  ["a setting without a field", { name: "a", type: "latency", latency: { threshold_ms: 1, x: 2 } }],
  ["a value of another type", { name: "a", type: "latency", latency: { threshold_ms: "5" } }],
  ["settings of another type", { name: "a", type: "latency", status_code: {} }],
  ["a comma in a value", { name: "a", type: "string_attribute", string_attribute: { values: ["a,b"] } }],
])("%s stays YAML", (_, policy) => {
  expect(isShown(policy as { [key: string]: Json })).toBe(false);
});

test("fields are set and taken away, and nothing else changes", () => {
  const policy = { name: "a", type: "latency", latency: { threshold_ms: 1, upper_threshold_ms: 2 } };
  expect(withField(policy, "threshold_ms", 5).latency).toEqual({ threshold_ms: 5, upper_threshold_ms: 2 });
  expect(withField(policy, "upper_threshold_ms", undefined).latency).toEqual({ threshold_ms: 1 });
});

test("policies move, but not beyond the ends", () => {
  expect(moved(["a", "b", "c"], 1, -1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 1, 1)).toEqual(["a", "c", "b"]);
  const list = ["a", "b"];
  expect(moved(list, 0, -1)).toBe(list);
  expect(moved(list, 1, 1)).toBe(list);
});

test("what the form does not keep is known before", () => {
  expect(hasComments("a: 1 # x")).toBe(true);
  expect(hasComments("# x\na: 1")).toBe(true);
  expect(hasComments("a: b#c")).toBe(false);
  expect(isRounded({ a: [1, { b: 2 ** 60 }] })).toBe(true);
  expect(isRounded({ a: [1, 0.5, "9007199254740993"] })).toBe(false);
  expect(otherKeys({ decision_wait: "5s", policies: [], num_traces: 5, spill: null })).toEqual([
    "num_traces",
    "spill",
  ]);
  expect(policiesOf({ policies: { name: "one" } })).toEqual([{ name: "one" }]);
});

test("the processor is copied as a file has it, with the text as it was written", () => {
  const text = "# why\npolicies: []";
  expect(collectorYaml(text, null)).toBe("processors:\n  tail_sampling:\n    # why\n    policies: []\n");
  expect(collectorYaml("tail_sampling/x:\n  policies: []\n", "tail_sampling/x")).toBe(
    "processors:\n  tail_sampling/x:\n    policies: []\n",
  );
  const file = "processors:\n  tail_sampling:\n    policies: []\n";
  expect(collectorYaml(file, "tail_sampling")).toBe(file);
});
