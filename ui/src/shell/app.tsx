/** The frame of every page, and which page an address means. */
import { useEffect } from "preact/hooks";
import { Home } from "../home/page.tsx";
import { href, path } from "../router.ts";
import { SearchPage } from "../search/page.tsx";
import { TracePage } from "../trace/page.tsx";
import styles from "./app.module.css";
import { Announcements } from "./copying.tsx";
import { EmbeddedTrace } from "./embedded.tsx";
import { Help, showHelp } from "./help.tsx";
import { Icon } from "./icons.tsx";
import { lazy } from "./lazy.tsx";
import { addressOf, isCurrent, PAGES } from "./pages.ts";
import { TopBar } from "./topbar.tsx";

const ComparedSpans = lazy(async () => (await import("../compare/selection-page.tsx")).ComparedSpans);
const Upload = lazy(async () => (await import("../upload/page.tsx")).Upload);
const Structure = lazy(async () => (await import("../structure/page.tsx")).Structure);
const ComparedTraces = lazy(async () => (await import("../compare/traces-page.tsx")).ComparedTraces);
const ServicePage = lazy(async () => (await import("../service/page.tsx")).ServicePage);
const OperationPage = lazy(async () => (await import("../service/operation.tsx")).OperationPage);
const ExceptionsPage = lazy(async () => (await import("../exceptions/page.tsx")).ExceptionsPage);
const MetricsPage = lazy(async () => (await import("../metrics/page.tsx")).MetricsPage);
const SqlPage = lazy(async () => (await import("../sql/page.tsx")).SqlPage);
const MapPage = lazy(async () => (await import("../map/page.tsx")).MapPage);
const LivePage = lazy(async () => (await import("../live/page.tsx")).LivePage);
const AdminPage = lazy(async () => (await import("../admin/page.tsx")).AdminPage);

export function App() {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      const typing = ["INPUT", "TEXTAREA", "SELECT"].includes((event.target as HTMLElement).tagName);
      if (event.key !== "?" || typing) return;
      event.preventDefault();
      showHelp();
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
  const embedded = /^\/embed\/trace\/([^/]+)$/.exec(path.value)?.[1];
  if (embedded) {
    return (
      <div class={styles.app}>
        <EmbeddedTrace id={decodeURIComponent(embedded)} />
        <Announcements />
        <Help />
      </div>
    );
  }
  return (
    <div class={styles.app}>
      <a class={styles.skip} href="#content">
        Skip to the content
      </a>
      <nav class={styles.rail} aria-label="Pages">
        {PAGES.map((page) => (
          <a
            key={page.path}
            href={addressOf(page)}
            aria-label={page.label}
            title={page.label}
            aria-current={isCurrent(page, path.value) ? "page" : undefined}
          >
            <Icon name={page.icon} />
          </a>
        ))}
      </nav>
      <div class={styles.main}>
        <TopBar />
        <main id="content" class={styles.content} tabIndex={-1}>
          <Page path={path.value} />
        </main>
      </div>
      <Announcements />
      <Help />
    </div>
  );
}

function Page({ path }: { path: string }) {
  if (path === "/") return <Home />;
  if (path === "/search") return <SearchPage />;
  if (path === "/map") return <MapPage />;
  if (path === "/exceptions") return <ExceptionsPage />;
  if (path === "/metrics") return <MetricsPage />;
  if (path === "/sql") return <SqlPage />;
  if (path === "/live") return <LivePage />;
  if (path === "/admin") return <AdminPage />;
  const [, service, operation] = /^\/services\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (service && operation) {
    const [of, name] = [decodeURIComponent(service), decodeURIComponent(operation)];
    return <OperationPage key={`${of} ${name}`} service={of} operation={name} />;
  }
  if (service) {
    const name = decodeURIComponent(service);
    return <ServicePage key={name} service={name} />;
  }
  if (path === "/compare") return <ComparedSpans />;
  if (path === "/upload") return <Upload />;
  if (path === "/structure") return <Structure />;
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
