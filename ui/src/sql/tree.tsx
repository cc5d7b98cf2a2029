/** What can be asked for: tables with their columns, and attributes. A click writes a name into the query. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Loaded } from "../api/loaded.ts";
import { Failure, Waiting } from "../shell/states.tsx";
import {
  type Attribute,
  aboutColumn,
  callOf,
  OF_TRACES,
  SPANS,
  type Table,
  type TableColumn,
} from "./schema.ts";
import styles from "./tree.module.css";

/** Attributes that are listed; a filter finds the others. */
const ATTRIBUTES_MAX = 200;

type Asked<T> = Loaded<T> & { readonly retry: () => void };

export function Tree({
  tables,
  attributes,
  insert,
}: {
  tables: Asked<readonly Table[]>;
  attributes: Asked<readonly Attribute[]>;
  insert: (text: string) => void;
}) {
  const filter = useSignal("");
  const words = filter.value.trim().toLowerCase();
  const isFiltered = words !== "";
  const has = (name: string) => name.toLowerCase().includes(words);
  const spans = tables.value?.find(({ name }) => name === SPANS);
  const others = tables.value?.filter(({ name }) => name !== SPANS) ?? [];
  const columns = (all: readonly TableColumn[]) => all.filter(({ name }) => has(name));
  return (
    <div class={styles.tree}>
      <input
        class="field"
        type="search"
        aria-label="Filter columns and attributes"
        placeholder="Filter columns, attributes"
        value={filter.value}
        onInput={(event) => {
          filter.value = event.currentTarget.value;
        }}
      />
      {tables.error && <Failure error={tables.error} retry={tables.retry} />}
      {!tables.value && !tables.error && <Waiting lines={10} />}
      {spans && (!isFiltered || columns(spans.columns).length > 0) && (
        <Group name={SPANS} about="One row per span" isOpen insert={insert}>
          <Columns columns={columns(spans.columns)} insert={insert} />
        </Group>
      )}
      {spans && (!isFiltered || columns(OF_TRACES).length > 0) && (
        <Group
          name="of the trace"
          about="Columns of spans where a query names them; not part of *"
          isOpen={isFiltered}
        >
          <Columns columns={columns(OF_TRACES)} insert={insert} />
        </Group>
      )}
      {spans &&
        isFiltered &&
        ![...spans.columns, ...OF_TRACES, ...(attributes.value ?? [])].some(({ name }) => has(name)) && (
          <p class={styles.about}>Nothing is called so.</p>
        )}
      {spans && <Attributes attributes={attributes} has={has} isFiltered={isFiltered} insert={insert} />}
      {others.map(({ name, columns: all }) => (
        <Group
          key={name}
          name={name}
          about="What the server says about its tables"
          isOpen={false}
          insert={insert}
        >
          <Columns columns={columns(all)} insert={insert} />
        </Group>
      ))}
    </div>
  );
}

function Attributes({
  attributes: { value, error, retry },
  has,
  isFiltered,
  insert,
}: {
  attributes: Asked<readonly Attribute[]>;
  has: (name: string) => boolean;
  isFiltered: boolean;
  insert: (text: string) => void;
}) {
  const found = (value ?? []).filter(({ name }) => has(name));
  return (
    <>
      {(["span", "resource"] as const).map((scope) => {
        const own = found.filter((attribute) => attribute.scope === scope);
        if (isFiltered && own.length === 0) return null;
        return (
          <Group
            key={scope}
            name={`${scope} attributes`}
            count={own.length}
            about={`Read with ${scope}_attr('key'); attr('key') takes that of the span, else of the resource`}
            isOpen={isFiltered}
          >
            <p class={styles.about}>
              A function reads them: <code>{scope}_attr('key')</code>; <code>attr('key')</code> takes that of
              the span, else that of the resource. Each has the type that its values have; absent ones are
              null.
            </p>
            {error && <Failure error={error} retry={retry} />}
            {value && own.length === 0 && <p class={styles.about}>None in this time.</p>}
            <ul>
              {own.slice(0, ATTRIBUTES_MAX).map((attribute) => (
                <Name key={attribute.name} name={attribute.name} text={callOf(attribute)} insert={insert} />
              ))}
            </ul>
            {own.length > ATTRIBUTES_MAX && (
              <p class={styles.about}>and {own.length - ATTRIBUTES_MAX} more: the filter above finds them.</p>
            )}
          </Group>
        );
      })}
    </>
  );
}

function Group({
  name,
  about,
  count,
  isOpen,
  insert,
  children,
}: {
  name: string;
  about: string;
  count?: number;
  isOpen: boolean;
  insert?: (text: string) => void;
  children: ComponentChildren;
}) {
  return (
    <details open={isOpen}>
      <summary title={about}>
        <span>{name}</span>
        {count !== undefined && <span class={styles.type}>{count}</span>}
      </summary>
      {insert && (
        <button
          type="button"
          class={styles.table}
          onClick={() => insert(name)}
          title={`Write ${name} into the query`}
        >
          insert <span class="visually-hidden">{name}</span>
        </button>
      )}
      {children}
    </details>
  );
}

function Columns({ columns, insert }: { columns: readonly TableColumn[]; insert: (text: string) => void }) {
  return (
    <ul>
      {columns.map(({ name, type }) => (
        <Name key={name} name={name} type={type} text={name} insert={insert} />
      ))}
    </ul>
  );
}

function Name({
  name,
  type,
  text,
  insert,
}: {
  name: string;
  type?: string;
  text: string;
  insert: (text: string) => void;
}) {
  const about = type === undefined ? undefined : aboutColumn(name);
  return (
    <li>
      <button
        type="button"
        onClick={() => insert(text)}
        title={about ? `${name}: ${about}` : `Write ${text} into the query`}
      >
        <span>{name}</span>
        {type && <span class={styles.type}>{type}</span>}
      </button>
    </li>
  );
}
