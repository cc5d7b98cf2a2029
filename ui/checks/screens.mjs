// Every screen that there is, for those who look at all of them: tests against WCAG, and pictures.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { focusOmnibox } from "./browser.mjs";
import { searchPages } from "./search.mjs";

const encoded = encodeURIComponent;
const ROWS = "[role=treegrid] [role=row]";
const failed = encoded("{ status = error }");
const SLOWEST =
  "SELECT start_time, trace_id, service_name, name, duration_ms FROM spans ORDER BY 5 DESC LIMIT 200";
const PER_MINUTE =
  "SELECT date_trunc('minute', start_time) AS minute, service_name, sum(weight) AS spans FROM spans GROUP BY 1, 2";

const BROKEN_RULES = "policies:\n  - name: slow\n    type: latencies\n";

/** The pages that have an address of their own. */
async function addresses({ api, trace, spans }) {
  const { data: services } = await api("/jaeger/api/services");
  const service = services.includes("checkout") ? "checkout" : services[0];
  const { data: operations } = await api(`/jaeger/api/services/${encoded(service)}/operations`);
  const rates = encoded("{ kind = server } | rate() by (resource.service.name)");
  const own = `/services/${encoded(service)}`;
  return {
    services: "/",
    "services-quiet": "/?from=now-6d&to=now-5d",
    service: own,
    "service-dependencies": `${own}?tab=dependencies`,
    "service-errors": `${own}?tab=errors`,
    "service-instances": `${own}?tab=instances`,
    operation: `${own}/${encoded(operations[0])}`,
    search: `/search?q=${failed}`,
    "search-nothing": `/search?q=${encoded("{ name = `nobody has this` }")}`,
    "search-mistake": `/search?q=${encoded("{ stattus = error }")}`,
    map: "/map",
    "map-around": `/map?focus=${encoded(service)}`,
    trace: `/trace/${trace}`,
    span: `/trace/${trace}?span=${spans.at(-1).spanID}`,
    "trace-find": `/trace/${trace}?f=post&hide=1`,
    "trace-critical": `/trace/${trace}?cp=1`,
    flame: `/trace/${trace}?view=flame`,
    merged: `/trace/${trace}?view=merged`,
    graph: `/trace/${trace}?view=graph`,
    "graph-calls": `/trace/${trace}?view=graph&list=calls&cp=1&span=${spans.at(-1).spanID}`,
    "trace-colors": `/trace/${trace}?color=span.http.request.method`,
    spans: `/trace/${trace}?view=table`,
    statistics: `/trace/${trace}?view=stats`,
    events: `/trace/${trace}?view=events`,
    embedded: `/embed/trace/${trace}`,
    "trace-missing": "/trace/00000000000000000000000000000abc",
    "page-missing": "/nothing-is-here",
    exceptions: "/exceptions",
    metrics: `/metrics?q=${rates}`,
    "metrics-start": "/metrics?q=",
    live: "/live",
    sql: "/sql",
    "sql-rows": `/sql?q=${encoded(SLOWEST)}`,
    "sql-chart": `/sql?view=chart&q=${encoded(PER_MINUTE)}`,
    admin: "/admin",
    sampling: "/admin?tab=sampling&run=1",
    "sampling-yaml": `/admin?tab=sampling&view=yaml&rules=${encoded(BROKEN_RULES)}`,
    ...(await searchPages({ api })),
  };
}

const button = (page, name) => page.getByRole("button", { name, exact: true });

/** What opens on pages. */
function opened({ trace }) {
  const waterfall = `/trace/${trace}`;
  const detail = (tab) => async (page) => {
    await page.locator(ROWS).first().waitFor();
    await page.keyboard.press("e");
    await page.locator(`aside[aria-label=Span] [data-tab=${tab}]`).click();
  };
  const search = `/search?q=${failed}`;
  return [
    { name: "palette", path: "/", act: focusOmnibox },
    {
      name: "keys",
      path: waterfall,
      act: async (page) => {
        await page.locator(ROWS).first().waitFor();
        await page.keyboard.press("?");
        await page.locator("dialog[open]").waitFor();
      },
    },
    ...["attributes", "events", "links", "raw"].map((tab) => ({
      name: `span-${tab}`,
      path: waterfall,
      act: detail(tab),
    })),
    {
      name: "trace-files",
      path: waterfall,
      act: async (page) => {
        await page.locator("details summary[title]").last().click();
        await page.locator("details[open]").first().waitFor();
      },
    },
    {
      name: "search-menu",
      path: search,
      act: async (page) => {
        await button(page, "Saved").click();
        await page.getByLabel("Name for what is shown").waitFor();
      },
    },
    {
      name: "search-list",
      path: search,
      act: async (page) => {
        await page.locator("textarea").fill("{ kind = ");
        await page.locator("textarea").press("Control+Space");
        await page.getByRole("listbox", { name: /^Suggestions/ }).waitFor();
      },
    },
    {
      name: "search-box",
      path: search,
      act: async (page) => {
        await page.getByText("as a table").click();
        await button(page, "choose").first().click();
        await page.getByRole("group", { name: "The chosen box" }).waitFor();
      },
    },
    {
      name: "structure-place",
      path: "/structure?q=%7B%7D",
      act: async (page) => {
        await page.locator("button[data-at]").nth(1).click();
        await page.getByRole("complementary", { name: "Place" }).waitFor();
      },
    },
    {
      name: "failure",
      path: search,
      act: async (page, browser) => {
        browser.expect(/ERR_INTERNET_DISCONNECTED/);
        await page.locator("tbody tr").first().waitFor();
        await page.waitForLoadState("networkidle");
        await page.context().setOffline(true);
        await page.getByRole("button", { name: "Refresh", exact: true }).click();
        await page.getByRole("alert").first().waitFor();
      },
    },
    { name: "welcome", path: "/", tenant: `empty-${randomBytes(4).toString("hex")}` },
  ];
}

/** All of them; a page that the rail or the list of commands leads to and that is not named here is one as well. */
export async function screens(given) {
  const named = Object.entries(await addresses(given)).map(([name, path]) => ({ name, path }));
  const all = [...named, ...opened(given)];
  const known = new Set(all.map(({ path }) => path.split("?")[0]));
  const page = await given.browser.page();
  await page.goto(given.base);
  const rail = await page
    .locator("nav[aria-label=Pages] a")
    .evaluateAll((links) => links.map((link) => [link.ariaLabel, link.pathname + link.search]));
  await focusOmnibox(page);
  await page.keyboard.type("> ");
  const labels = await page
    .getByRole("option")
    .filter({ has: page.locator("span", { hasText: /^page$/ }) })
    .locator("span:nth-child(2)")
    .allInnerTexts();
  for (const label of labels.filter((label) => !rail.some(([name]) => name === label))) {
    await page.goto(given.base);
    await focusOmnibox(page);
    await page.keyboard.type(`> ${label}`);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname !== "/");
    const { pathname, search } = new URL(page.url());
    rail.push([label, pathname + search]);
  }
  await page.context().close();
  assert.ok(rail.length >= 10, `${rail}`);
  const others = rail.filter(([, path]) => !known.has(path.split("?")[0]));
  return [...all, ...others.map(([name, path]) => ({ name, path }))];
}

const CONTENT =
  "tbody tr, [role=row], [role=application], main ol li, main [data-at], main [data-node], main input[type=file]";

/** Opens a screen, and waits until it shows something. */
export async function open(page, { path, act }, { base, browser }) {
  await page.goto(base + path);
  const content = page.locator(`${CONTENT}, main [role=alert], main h1, main h2, main p, main ul button`);
  await content.filter({ visible: true }).first().waitFor();
  await page.waitForLoadState("networkidle").catch(() => {});
  await page.waitForFunction(() => !document.querySelector("[aria-label=Loading]"));
  await act?.(page, browser);
}

export async function checkScreens(given) {
  const { check, browser, shots } = given;
  const all = await screens(given);
  for (const screen of all) {
    await check(`${screen.name}: WCAG 2.2 AA in both themes`, async () => {
      const page = await browser.page({ tenant: screen.tenant });
      try {
        await open(page, screen, given);
        for (const theme of ["dark", "light"]) {
          await page.emulateMedia({ colorScheme: theme });
          if (shots) await page.screenshot({ path: `${shots}/${screen.name}-${theme}.png` });
          assert.deepEqual(await browser.violations(page), [], theme);
        }
      } finally {
        await page.context().close();
      }
    });
  }
  if (!shots) return;
  for (const screen of all) {
    const page = await browser.page({ width: 390, height: 844, tenant: screen.tenant });
    if (!screen.act) {
      await open(page, screen, given);
      await page.screenshot({ path: `${shots}/${screen.name}-small.png` });
    }
    await page.context().close();
  }
}
