/** The frame of every page, and which page an address means. */
import { useEffect } from "preact/hooks";
import { Home } from "../home/page.tsx";
import { MapPage } from "../map/page.tsx";
import { href, path } from "../router.ts";
import { SearchPage } from "../search/page.tsx";
import { TracePage } from "../trace/page.tsx";
import styles from "./app.module.css";
import { Help, showHelp } from "./help.tsx";
import { Icon } from "./icons.tsx";
import { lazy } from "./lazy.tsx";
import { TopBar } from "./topbar.tsx";

const PAGES: readonly (readonly [string, string, "services" | "search" | "map"])[] = [
  ["/", "Services", "services"],
  ["/search", "Search", "search"],
  ["/map", "Service map", "map"],
];

const ComparedTraces = lazy(async () => (await import("../compare/traces-page.tsx")).ComparedTraces);

export function App() {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      const typing = ["INPUT", "TEXTAREA", "SELECT"].includes((event.target as HTMLElement).tagName);
      if (event.key === "?" && !typing) showHelp();
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
  return (
    <div class={styles.app}>
      <a class={styles.skip} href="#content">
        Skip to the content
      </a>
      <nav class={styles.rail} aria-label="Pages">
        {PAGES.map(([to, label, sign]) => (
          <a
            key={to}
            href={href(to)}
            aria-label={label}
            title={label}
            aria-current={path.value === to ? "page" : undefined}
          >
            <Icon name={sign} />
          </a>
        ))}
      </nav>
      <div class={styles.main}>
        <TopBar />
        <main id="content" class={styles.content} tabIndex={-1}>
          <Page path={path.value} />
        </main>
      </div>
      <Help />
    </div>
  );
}

function Page({ path }: { path: string }) {
  if (path === "/") return <Home />;
  if (path === "/search") return <SearchPage />;
  if (path === "/map") return <MapPage />;
  const pair = /^\/trace\/([^/]+)\.\.\.([^/]+)$/.exec(path);
  if (pair?.[1] && pair[2]) return <ComparedTraces a={pair[1]} b={pair[2]} />;
  const trace = /^\/trace\/([^/]+)$/.exec(path)?.[1];
  if (trace) return <TracePage id={decodeURIComponent(trace)} />;
  return (
    <div class={styles.missing}>
      <h1>There is no such page</h1>
      <p>
        <a href={href("/")}>Services</a> · <a href={href("/search")}>Search</a>
      </p>
    </div>
  );
}
