/** Which services call which others, and where it fails. */
import { useEffect, useMemo } from "preact/hooks";
import type { ServiceMap } from "../api/schema.ts";
import { place, setQuery } from "../router.ts";
import { Answered, useAnswer } from "../service/loading.tsx";
import { Choices } from "../service/tabs.tsx";
import { Progress } from "../shell/states.tsx";
import { timeRange } from "../shell/time-range.ts";
import { counted } from "../text/numbers.ts";
import { Drawing } from "./drawing.tsx";
import { drawn, fetchMap, nodesOf } from "./edges.ts";
import { List } from "./list.tsx";
import styles from "./page.module.css";

const NODES_MAX = 150;
const HOPS = [
  ["1", "1 call"],
  ["2", "2 calls"],
  ["3", "3 calls"],
] as const;

export function MapPage() {
  const range = timeRange.value;
  const { query } = place.value;
  const focus = query.get("focus");
  const hops = HOPS.find(([key]) => key === query.get("hops"))?.[0] ?? "2";
  const answer = useAnswer((signal) => fetchMap(range, signal), [range]);
  useEffect(() => {
    document.title = focus ? `${focus}, service map · Spandrel` : "Service map · Spandrel";
  }, [focus]);
  const names = useMemo(
    () =>
      nodesOf(answer.value?.edges ?? [])
        .map(({ name }) => name)
        .sort(),
    [answer.value],
  );
  return (
    <>
      <Progress loading={answer.loading} />
      <div class={styles.page}>
        <header class={styles.header}>
          <h1>Service map</h1>
          {focus && (
            <>
              <button
                type="button"
                class="button"
                onClick={() => setQuery({ focus: undefined, hops: undefined })}
              >
                around {focus} ✕
              </button>
              <Choices
                label="How far"
                choices={HOPS}
                current={hops}
                choose={(key) => setQuery({ hops: key === "2" ? undefined : key })}
              />
            </>
          )}
          <span class={styles.space} />
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const name = new FormData(event.currentTarget).get("name");
              if (typeof name === "string" && names.includes(name))
                setQuery({ focus: name }, { replace: false });
            }}
          >
            <input
              class="field"
              name="name"
              type="search"
              list="map-names"
              placeholder="Look around…"
              aria-label="Look around a service or database"
              autocomplete="off"
              // A name from the list needs no Enter.
              onInput={(event) => {
                const { value } = event.currentTarget;
                if (names.includes(value)) setQuery({ focus: value }, { replace: false });
              }}
            />
            <datalist id="map-names">
              {names.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </form>
        </header>
        <Answered
          answer={answer}
          lines={14}
          show={(map) => (
            <Found map={map} focus={focus} hops={Number(hops)} seconds={(range.to - range.from) / 1e3} />
          )}
        />
      </div>
    </>
  );
}

function Found({
  map,
  focus,
  hops,
  seconds,
}: {
  map: ServiceMap;
  focus: string | null;
  hops: number;
  seconds: number;
}) {
  const part = useMemo(() => drawn(map.edges, focus, NODES_MAX, hops), [map, focus, hops]);
  if (map.edges.length === 0) {
    return <p class="secondary">No calls between services in this time. Choose a wider range.</p>;
  }
  if (focus && part.edges.length === 0) {
    return <p class="secondary">Nothing calls {focus} in this time, and it calls nothing.</p>;
  }
  return (
    <>
      <p class={styles.summary}>
        {counted(part.nodes.length, "node")}, {counted(part.edges.length, "edge")}
        {part.hidden > 0 && (
          <span data-more={part.hidden}>
            · {counted(part.hidden, "node")} more {focus ? "farther away" : "with fewer calls"}
          </span>
        )}
        {map.leftOut > 0 && ` · ${counted(map.leftOut, "edge")} with few calls left out`}
        <span class={styles.legend} aria-hidden="true">
          width: calls · <i class={styles.failing}>color</i>: errors
        </span>
      </p>
      <Drawing part={part} seconds={seconds} focus={focus} />
      <List edges={map.edges} seconds={seconds} focus={focus} />
    </>
  );
}
