// Pictures of every screen, in both themes and on a desk's and a phone's display, to be looked at by people:
// node checks/tour.mjs http://127.0.0.1:3200 [FOLDER, shots by default] [PART OF NAMES]
// The server should have received `spandrel demo` for some minutes. What a picture would not show is told at the end:
// errors, requests elsewhere, and pages that are wider than the display.
import { mkdirSync } from "node:fs";
import { Browser, executable, focusOmnibox } from "./browser.mjs";
import { searchPages } from "./search.mjs";

const [base, folder = "shots", part = ""] = process.argv.slice(2);
if (!base) throw new Error("which server? node checks/tour.mjs http://127.0.0.1:3200");
if (!executable) throw new Error("no Chromium is installed; CHROMIUM names one");
mkdirSync(folder, { recursive: true });

const DISPLAYS = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const CONTENT =
  "tbody tr, [role=row], [role=application], main ol li, main [data-at], main input[type=file], main ul button";
const encoded = encodeURIComponent;
const SLOWEST =
  "SELECT start_time, trace_id, service_name, name, duration_ms FROM spans ORDER BY 5 DESC LIMIT 200";
const PER_MINUTE =
  "SELECT date_trunc('minute', start_time) AS minute, service_name, sum(weight) AS spans FROM spans GROUP BY 1, 2";

const api = async (path) => {
  const answer = await fetch(base + path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};
const found = async (q) => {
  const { traces } = await api(`/tempo/api/search?limit=1&q=${encoded(q)}`);
  if (!traces?.length) throw new Error(`no trace has ${q}: is this the data of \`spandrel demo\`?`);
  return traces[0].traceID.padStart(32, "0");
};

/** The pages by the names of their pictures, and what is done on some before the picture. */
async function screens() {
  const trace = await found("{ status = error && rootName = `POST /checkout` }");
  const { spans } = (await api(`/jaeger/api/traces/${trace}`)).data[0];
  const { data: services } = await api("/jaeger/api/services");
  const service = services.includes("checkout") ? "checkout" : services[0];
  const { data: operations } = await api(`/jaeger/api/services/${encoded(service)}/operations`);
  const rates = encoded("{ kind = server } | rate() by (resource.service.name)");
  const pages = {
    services: "/",
    service: `/services/${encoded(service)}`,
    operation: `/services/${encoded(service)}/${encoded(operations[0])}`,
    search: `/search?q=${encoded("{ status = error }")}`,
    "search-nothing": `/search?q=${encoded("{ name = `nobody has this` }")}`,
    "search-mistake": `/search?q=${encoded("{ stattus = error }")}`,
    map: "/map",
    trace: `/trace/${trace}`,
    span: `/trace/${trace}?span=${spans.at(-1).spanID}`,
    "trace-find": `/trace/${trace}?f=post`,
    "trace-colors": `/trace/${trace}?color=span.http.request.method`,
    flame: `/trace/${trace}?view=flame`,
    merged: `/trace/${trace}?view=merged`,
    graph: `/trace/${trace}?view=graph`,
    "graph-calls": `/trace/${trace}?view=graph&list=calls&cp=1&span=${spans.at(-1).spanID}`,
    spans: `/trace/${trace}?view=table`,
    statistics: `/trace/${trace}?view=stats`,
    events: `/trace/${trace}?view=events`,
    embedded: `/embed/trace/${trace}`,
    "trace-missing": "/trace/00000000000000000000000000000abc",
    exceptions: "/exceptions",
    metrics: `/metrics?q=${rates}`,
    "metrics-start": "/metrics?q=",
    sql: "/sql",
    "sql-rows": `/sql?q=${encoded(SLOWEST)}`,
    "sql-chart": `/sql?view=chart&q=${encoded(PER_MINUTE)}`,
    live: "/live",
    admin: "/admin",
    sampling: "/admin?tab=sampling&run=1",
    "sampling-yaml": `/admin?tab=sampling&view=yaml&rules=${encoded("policies:\n  - name: slow\n    type: latencies\n")}`,
    ...(await searchPages({ api })),
  };
  const screens = Object.entries(pages).map(([name, path]) => ({ name, path }));
  screens.push({ name: "palette", path: "/", act: focusOmnibox });
  screens.push({ name: "keys", path: `/trace/${trace}`, act: (page) => page.keyboard.press("?") });
  return screens.filter(({ name }) => name.includes(part));
}

const browser = await Browser.start(base);
const wide = [];
let taken = 0;
for (const { name, path, act } of await screens()) {
  for (const theme of ["dark", "light"]) {
    for (const [display, size] of Object.entries(DISPLAYS)) {
      const page = await browser.page({ theme, ...size });
      await page.goto(base + path);
      // Of what has nothing to list there is a picture as well.
      const content = page.locator(`${CONTENT}, main [role=alert], main h2, main p`);
      await content.filter({ visible: true }).first().waitFor();
      await page.waitForLoadState("networkidle").catch(() => {});
      await act?.(page);
      await page.screenshot({ path: `${folder}/${name}-${theme}-${display}.png` });
      taken++;
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > size.width) wide.push(`${path} is ${width} pixels wide on a display of ${size.width}`);
      await page.context().close();
    }
  }
}
await browser.stop();
const problems = [...new Set([...browser.problems, ...wide])];
for (const problem of problems) console.error(problem);
console.log(`${taken} pictures in ${folder}, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
