/** What to do about a server without SQL. */
import { href } from "../router.ts";
import { Copy } from "../shell/copying.tsx";
import { EXAMPLES } from "./examples.ts";
import styles from "./page.module.css";

const BUILD = "cargo build --release --features sql";

export function NotBuilt() {
  return (
    <div class={styles.missing}>
      <h1>This server has no SQL</h1>
      <p>
        SQL over spans is left out of the usual build, because it takes longer to compile than everything else
        together. To have it, replace the server's binary by one that was built with the feature{" "}
        <code>sql</code>; the data stays as it is:
      </p>
      <p class={styles.command}>
        <code>{BUILD}</code>
        <Copy text={BUILD} what="the command" />
      </p>
      <p>
        A release whose name says that it has SQL does as well. Until then,{" "}
        <a href={href("/search")}>Search</a> finds spans with TraceQL, and{" "}
        <a href={`${href("/metrics")}?q=`}>Metrics</a> computes rates and percentiles.
      </p>
      <section aria-label="What SQL is for">
        <h2>What it is for</h2>
        {EXAMPLES.slice(0, 3).map(({ label, query }) => (
          <figure key={label}>
            <figcaption>{label}</figcaption>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
            <pre tabIndex={0}>{query}</pre>
          </figure>
        ))}
      </section>
    </div>
  );
}
