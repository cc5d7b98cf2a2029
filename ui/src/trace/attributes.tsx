/** Attributes of a span, and what can be done with each value. */
import type { KeyValue } from "../api/schema.ts";
import { valueLiteral, valueText } from "../api/trace.ts";
import { href } from "../router.ts";
import { Copy } from "../shell/copying.tsx";
import { Icon } from "../shell/icons.tsx";
import { attribute } from "../traceql.ts";
import styles from "./detail.module.css";
import { type Outside, OutsideIcons, type OutsideLink } from "./outside/links.tsx";
import type { TraceState } from "./state.ts";

/** The attributes whose key or value has a text in it, sorted by key. */
export function attributesWith(attributes: readonly KeyValue[], text: string): KeyValue[] {
  const wanted = text.trim().toLowerCase();
  return attributes
    .filter(({ key, value }) => `${key}\n${valueText(value)}`.toLowerCase().includes(wanted))
    .sort((a, b) => a.key.localeCompare(b.key));
}

export function Attributes({
  title,
  scope,
  attributes,
  state,
  wanted,
  outside,
}: {
  title: string;
  scope: "span" | "resource";
  attributes: readonly KeyValue[];
  state: TraceState;
  /** Only those with this text. */
  wanted: string;
  outside: Outside;
}) {
  const shown = attributesWith(attributes, wanted);
  if (shown.length === 0) return null;
  return (
    <section>
      <h3>
        {title} <span>{shown.length}</span>
      </h3>
      <table class={styles.values}>
        <tbody>
          {shown.map(({ key, value }) => {
            const name = attribute(scope, key);
            const literal = valueLiteral(value);
            const text = valueText(value);
            // What is not stored is not searched with TraceQL.
            const [same, other] = state.source.otlp
              ? [`${key}=${text}`, `-${key}=${text}`]
              : [`{ ${name} = ${literal} }`, `{ ${name} != ${literal} }`];
            const canFilter = !value?.arrayValue && !value?.kvlistValue && !value?.bytesValue;
            return (
              <tr key={key}>
                <th scope="row">{key}</th>
                <td class="mono">
                  {text}
                  <OutsideIcons links={outside.at(scope, key)} />
                </td>
                <td class={styles.actions}>
                  {canFilter && (
                    <>
                      <Filter
                        state={state}
                        q={same}
                        label={`Spans of this trace with this ${key}`}
                        icon="filterIn"
                      />
                      <Filter
                        state={state}
                        q={other}
                        label={`Spans of this trace with another ${key}`}
                        icon="filterOut"
                      />
                      <a
                        href={href("/search", { q: `{ ${name} = ${literal} }` })}
                        aria-label={`Traces with this ${key}`}
                        title="Search everywhere"
                      >
                        <Icon name="search" />
                      </a>
                    </>
                  )}
                  <Copy text={text} what={key} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Filter({
  state,
  q,
  label,
  icon,
}: {
  state: TraceState;
  q: string;
  label: string;
  icon: "filterIn" | "filterOut";
}) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      onClick={() => {
        state.finder.text.value = q;
      }}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Attributes of something that cannot be searched for by them. */
export function Values({
  attributes,
  linksAt = () => [],
}: {
  attributes: readonly KeyValue[];
  linksAt?: (key: string) => readonly OutsideLink[];
}) {
  if (attributes.length === 0) return null;
  return (
    <table class={styles.values}>
      <tbody>
        {attributes.map(({ key, value }) => (
          <Plain key={key} name={key} value={valueText(value)} links={linksAt(key)} />
        ))}
      </tbody>
    </table>
  );
}

export function Plain({
  name,
  value,
  links = [],
}: {
  name: string;
  value: string;
  links?: readonly OutsideLink[];
}) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="mono">
        {value}
        <OutsideIcons links={links} />
      </td>
      <td class={styles.actions}>
        <Copy text={value} what={name} />
      </td>
    </tr>
  );
}
