/** How long spans like this one take, and where this one is among them. */
import { useEffect, useMemo } from "preact/hooks";
import { Loader } from "../api/loaded.ts";
import { href } from "../router.ts";
import { counted, duration } from "../text/numbers.ts";
import { quoted } from "../traceql.ts";
import styles from "./detail.module.css";
import { type PeerQuestion, type Peers, peersOf, percentile } from "./percentiles.ts";

/** Spans that are looked at for a shorter time ask for nothing. */
const PAUSE_MILLIS = 200;

export function PeersOf(question: PeerQuestion) {
  const { service, name, startMillis, nanos } = question;
  const loader = useMemo(() => new Loader<Peers>(), []);
  useEffect(() => {
    loader.clear();
    const timer = setTimeout(() => void loader.ask((signal) => peersOf(question, signal)), PAUSE_MILLIS);
    return () => {
      clearTimeout(timer);
      loader.cancel();
    };
  }, [service, name, startMillis, nanos]);
  const { value, error } = loader.state.value;
  const most = Math.max(1, ...(value?.bars ?? []).map(({ count }) => count));
  const search = href("/search", {
    q: `{ resource.service.name = ${quoted(service)} && name = ${quoted(name)} }`,
    from: String(Math.round(startMillis - 3_600_000)),
    to: String(Math.round(startMillis + 3_600_000)),
  });
  return (
    <div class={styles.peers}>
      <p>
        {error && <span class="secondary">What its peers took is not known: {error.message}</span>}
        {value && value.count > 1 && (
          <>
            <b>{percentile(value.share)}</b> of <a href={search}>{counted(value.count, "peer")}</a>{" "}
            <span class="secondary">within an hour</span>
          </>
        )}
        {value && value.count <= 1 && <span class="secondary">No other span like it within an hour</span>}
      </p>
      <div
        class={styles.histogram}
        role="img"
        aria-label={
          value
            ? `Durations of ${value.count} peers; this span took ${duration(nanos)}`
            : "Durations of peers"
        }
      >
        {(value && value.count > 1 ? value.bars : []).map(({ bound, count }) => (
          <span
            key={bound}
            data-here={nanos <= bound && nanos > bound / 2}
            title={`${duration(bound / 2)} to ${duration(bound)}: ${counted(count, "span")}`}
          >
            <span style={{ height: `${count > 0 ? Math.max(2, Math.sqrt(count / most) * 28) : 0}px` }} />
          </span>
        ))}
      </div>
    </div>
  );
}
