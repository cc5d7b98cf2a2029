/** The rules that are being edited: the YAML is the truth, and the form a way to write it. */
import { indented, isMap, type Json, yamlOf } from "./yaml.ts";

export type Settings = { readonly [key: string]: Json };
export type Policy = { readonly [key: string]: Json };

/** How the value of a field is written. */
export type FieldKind = "number" | "text" | "texts" | "lines" | "flag" | "statuses";

export interface Field {
  readonly key: string;
  readonly label: string;
  readonly kind: FieldKind;
  readonly hint?: string | undefined;
}

const number = (key: string, label: string, hint?: string): Field => ({ key, label, kind: "number", hint });
const KEY: Field = { key: "key", label: "Attribute", kind: "text", hint: "http.route" };
const INVERT: Field = { key: "invert_match", label: "keep what does not match", kind: "flag" };

/** The types that the form shows, with their fields. The others are shown as YAML. */
export const FORMS: Readonly<Record<string, { readonly label: string; readonly fields: readonly Field[] }>> =
  {
    status_code: {
      label: "Status",
      fields: [{ key: "status_codes", label: "Any span is", kind: "statuses" }],
    },
    latency: {
      label: "Duration",
      fields: [
        number("threshold_ms", "Longer than, ms"),
        number("upper_threshold_ms", "At most, ms", "no limit"),
      ],
    },
    probabilistic: {
      label: "Share of all traces",
      fields: [number("sampling_percentage", "Percent of traces")],
    },
    string_attribute: {
      label: "Text attribute",
      fields: [
        KEY,
        { key: "values", label: "Values, between commas", kind: "texts" },
        { key: "enabled_regex_matching", label: "values are regular expressions", kind: "flag" },
        INVERT,
      ],
    },
    numeric_attribute: {
      label: "Number attribute",
      fields: [KEY, number("min_value", "From", "no limit"), number("max_value", "To", "no limit"), INVERT],
    },
    boolean_attribute: {
      label: "True or false attribute",
      fields: [KEY, { key: "value", label: "is true", kind: "flag" }, INVERT],
    },
    ottl_condition: {
      label: "OTTL condition",
      fields: [
        { key: "span", label: "Conditions on a span, one a line", kind: "lines" },
        { key: "spanevent", label: "Conditions on an event, one a line", kind: "lines" },
      ],
    },
    span_count: {
      label: "Number of spans",
      fields: [number("min_spans", "At least"), number("max_spans", "At most", "no limit")],
    },
    rate_limiting: {
      label: "Spans a second",
      fields: [
        number("spans_per_second", "Spans a second"),
        number("burst_capacity", "At once", "twice that"),
      ],
    },
    bytes_limiting: {
      label: "Bytes a second",
      fields: [
        number("bytes_per_second", "Bytes a second"),
        number("burst_capacity", "At once", "twice that"),
      ],
    },
    always_sample: { label: "All traces", fields: [] },
    trace_flags: { label: "Sampled by the sender", fields: [] },
  };

/** What is good to begin with: what failed, what was slow, and some of the rest. */
export const DEFAULT_TEXT = yamlOf({
  decision_wait: "30s",
  policies: [
    { name: "errors", type: "status_code", status_code: { status_codes: ["ERROR"] } },
    { name: "slow", type: "latency", latency: { threshold_ms: 500 } },
    { name: "the rest", type: "probabilistic", probabilistic: { sampling_percentage: 10 } },
  ],
});

/** A new policy of a type, before anything is filled in. */
const FRESH: Readonly<Record<string, Json>> = {
  status_code: { status_codes: ["ERROR"] },
  latency: { threshold_ms: 500 },
  probabilistic: { sampling_percentage: 10 },
  string_attribute: { key: "", values: [] },
  numeric_attribute: { key: "", min_value: 1 },
  boolean_attribute: { key: "", value: true },
  ottl_condition: { span: [] },
  span_count: { min_spans: 2 },
  rate_limiting: { spans_per_second: 100 },
  bytes_limiting: { bytes_per_second: 100_000 },
};

export function policiesOf(settings: Settings): readonly Policy[] {
  const { policies } = settings;
  if (isMap(policies)) return [policies];
  return Array.isArray(policies) ? (policies as readonly Json[]).filter(isMap) : [];
}

export const withPolicies = (settings: Settings, policies: readonly Policy[]): Settings => ({
  ...settings,
  policies,
});

export const typeOf = (policy: Policy): string => (typeof policy.type === "string" ? policy.type : "");
export const nameOf = (policy: Policy): string => (typeof policy.name === "string" ? policy.name : "");

/** The fields of a policy's own settings. */
export function valuesOf(policy: Policy): { readonly [key: string]: Json } {
  const own = policy[typeOf(policy)];
  return isMap(own) ? own : {};
}

/** A policy with a name that no other has. */
export function freshPolicy(type: string, policies: readonly Policy[]): Policy {
  const names = new Set(policies.map(nameOf));
  const stem = (FORMS[type]?.label ?? type).toLowerCase();
  let name = stem;
  for (let n = 2; names.has(name); n++) name = `${stem} ${n}`;
  const own = FRESH[type];
  return own === undefined ? { name, type } : { name, type, [type]: own };
}

/** The policy with a field changed; `undefined` takes it away. */
export function withField(policy: Policy, key: string, value: Json | undefined): Policy {
  const { [key]: _, ...others } = valuesOf(policy);
  const own = value === undefined ? others : { ...valuesOf(policy), [key]: value };
  return { ...policy, [typeOf(policy)]: own };
}

/** The list with one moved by a step; the same list when it cannot go there. */
export function moved<T>(list: readonly T[], at: number, step: -1 | 1): readonly T[] {
  const [one, other] = [list[at], list[at + step]];
  if (one === undefined || other === undefined) return list;
  return list.map((kept, i) => (i === at ? other : i === at + step ? one : kept));
}

const isTexts = (value: Json): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

const FITS: Readonly<Record<FieldKind, (value: Json) => boolean>> = {
  number: (value) => typeof value === "number",
  text: (value) => typeof value === "string",
  texts: (value) => isTexts(value) && value.every((one) => !one.includes(",") && one.trim() === one),
  lines: (value) => isTexts(value) && value.every((one) => !one.includes("\n")),
  flag: (value) => typeof value === "boolean",
  statuses: (value) => isTexts(value) && value.every((one) => STATUSES.includes(one)),
};

export const STATUSES: readonly string[] = ["ERROR", "OK", "UNSET"];

/** Whether the form shows all of a policy. */
export function isShown(policy: Policy): boolean {
  const type = typeOf(policy);
  const form = FORMS[type];
  if (!form || typeof policy.name !== "string") return false;
  if (Object.keys(policy).some((key) => !["name", "type", type].includes(key))) return false;
  if (policy[type] !== undefined && policy[type] !== null && !isMap(policy[type])) return false;
  return Object.entries(valuesOf(policy)).every(([key, value]) => {
    const field = form.fields.find((field) => field.key === key);
    return field !== undefined && FITS[field.kind](value);
  });
}

/** Keys beside the policies that the form has no fields for. */
export const otherKeys = (settings: Settings): string[] =>
  Object.keys(settings).filter((key) => !["policies", "decision_wait"].includes(key));

/** Whether numbers are in it that this language does not tell apart from their neighbors. */
export function isRounded(value: Json): boolean {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (Array.isArray(value)) return value.some(isRounded);
  return isMap(value) && Object.values(value).some(isRounded);
}

/** Whether the text has comments, which the form does not keep. */
export const hasComments = (text: string): boolean => /(^|\s)#/m.test(text);

/** The processor as a Collector's file has it. */
export function collectorYaml(text: string, id: string | null): string {
  const body = text.endsWith("\n") ? text : `${text}\n`;
  // What has the keys above it already is a part of a file.
  if (id !== null) return /^processors\s*:/m.test(body) ? body : `processors:\n${indented(body, 1)}`;
  return `processors:\n  tail_sampling:\n${indented(body, 2)}`;
}
