/** One trace: where did the time go, what failed. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { ApiError } from "../api/http.ts";
import { Loader } from "../api/loaded.ts";
import { storedTrace, type TraceSource } from "../api/trace.ts";
import { place } from "../router.ts";
import { lazy } from "../shell/lazy.tsx";
import { Failure, Progress } from "../shell/states.tsx";
import { awaited } from "./awaited.ts";
import { Detail } from "./detail.tsx";
import { Header } from "./header.tsx";
import { identify } from "./identify.ts";
import { keys } from "./keys.ts";
import { Late, show } from "./late.ts";
import { Minimap } from "./minimap.tsx";
import styles from "./page.module.css";
import { Placeholder } from "./placeholder.tsx";
import { TraceState } from "./state.ts";
import { Tools } from "./tools.tsx";
import { Trail } from "./trail.tsx";
import { type View, view } from "./views.ts";
import { Waterfall } from "./waterfall.tsx";

type ViewProps = { state: TraceState };

const Shown: Record<View, (props: ViewProps) => JSX.Element | null> = {
  waterfall: Waterfall,
  flame: lazy<ViewProps>(async () => (await import("./flame-view.tsx")).FlameView) as typeof Waterfall,
  merged: lazy<ViewProps>(async () => (await import("./merged-view.tsx")).MergedView) as typeof Waterfall,
  graph: lazy<ViewProps>(async () => (await import("./graph-view.tsx")).GraphView) as typeof Waterfall,
  table: lazy<ViewProps>(async () => (await import("./table-view.tsx")).TableView) as typeof Waterfall,
  stats: lazy<ViewProps>(
    async () => (await import("./statistics-view.tsx")).StatisticsView,
  ) as typeof Waterfall,
  events: lazy<ViewProps>(async () => (await import("./events-view.tsx")).EventsView) as typeof Waterfall,
};

/** A trace of the server, or of another source. */
export function TracePage({ id, source }: { id: string; source?: TraceSource }) {
  const loader = useMemo(() => new Loader<TraceState>(), []);
  const from = useMemo(() => source ?? storedTrace(id), [id, source]);
  const isLooking = useSignal(false);
  const load = () =>
    void loader.ask(async (signal) => {
      isLooking.value = false;
      const open = loader.state.peek().value;
      if (open?.isIdentified.peek()) {
        show(open, await from.skeleton(signal));
        return open;
      }
      // An address that names a span needs their ids at once.
      const { query } = place.peek();
      const options = { ids: query.has("span") || query.has("root") };
      const ask = (signal: AbortSignal) => from.skeleton(signal, options);
      const skeleton = await awaited(ask, signal, () => {
        isLooking.value = true;
      });
      return new TraceState(skeleton, from);
    });
  useEffect(() => {
    loader.clear();
    load();
    return () => loader.cancel();
  }, [from]);
  const { value: state, error, loading } = loader.state.value;
  if (loading && !state && isLooking.value)
    return (
      <>
        <Progress loading />
        <NotYet id={id} />
      </>
    );
  // What has been loaded stays, also when the server has no more of it.
  if (error instanceof ApiError && error.status === 404 && !state) return <NoTrace id={id} retry={load} />;
  return (
    <>
      <Progress loading={loading} />
      {error && (
        <div class={styles.message}>
          <Failure error={told(error)} retry={load} kept={state !== null} />
        </div>
      )}
      {state ? <Trace state={state} reload={load} /> : !error && <Placeholder />}
    </>
  );
}

/** Of a trace that is shown, `not found` would be a riddle. */
function told(error: Error): Error {
  const isGone = error instanceof ApiError && error.status === 404;
  return isGone ? new ApiError(404, "The server has this trace no more.") : error;
}

function NotYet({ id }: { id: string }) {
  return (
    <div class={styles.message} role="status">
      <h1>There is no such trace yet</h1>
      <p class="secondary">
        <code>{id}</code> was not received yet, looking again for half a minute. Spans are often sent some
        seconds after what a log has of them.
      </p>
    </div>
  );
}

function NoTrace({ id, retry }: { id: string; retry: () => void }) {
  return (
    <div class={styles.message}>
      <h1>There is no such trace</h1>
      <p class="secondary">
        No span of <code>{id}</code> is stored. It may not have been received yet, its retention may have
        ended, or it belongs to another tenant.
      </p>
      <button type="button" class="button" onClick={retry}>
        Look again
      </button>
    </div>
  );
}

function Trace({ state, reload }: { state: TraceState; reload: () => void }) {
  const find = useRef<HTMLInputElement>(null);
  const late = useMemo(() => new Late(state), [state]);
  useEffect(() => {
    const stops = [
      state.followAddress(),
      state.finder.watch(),
      state.attributeColors.watch(() => state.colorAttribute),
      late.watch(),
      identify(state, reload),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [state]);
  // Before the first paint: whoever sees the rows can use the keys.
  useLayoutEffect(() => keys(state, () => find.current?.focus()), [state]);
  const selected = state.selected.value;
  const Now = Shown[view.value];
  return (
    <div class={styles.page}>
      <Header state={state} late={late} reload={reload} />
      <Tools state={state} input={find} />
      <Minimap state={state} />
      <Trail state={state} />
      <div class={styles.body}>
        <Now state={state} />
        {selected !== null && selected < state.skeleton.n && state.isDetailOpen.value && (
          <Detail state={state} position={selected} />
        )}
      </div>
    </div>
  );
}
