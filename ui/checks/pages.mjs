// The pages of aggregates: what they show is what the APIs say, and everything on them can be reached.
import assert from "node:assert/strict";
import { focusOmnibox } from "./browser.mjs";

const encoded = encodeURIComponent;

/** `1.23k/s`, `5.1 %`, `1,234` as numbers; not a number for anything else. */
function numberOf(text) {
  const [, digits, unit] = /(-?[\d.,]+)\s*([kMG]?)/.exec(text) ?? [];
  return digits === undefined
    ? Number.NaN
    : Number(digits.replaceAll(",", "")) * { "": 1, k: 1e3, M: 1e6, G: 1e9 }[unit];
}

/** Shown numbers have three digits. */
function near(shown, wanted, what) {
  const value = numberOf(shown);
  assert.ok(
    Math.abs(value - wanted) <= Math.abs(wanted) * 0.0051 + 0.0005,
    `${what}: ${shown} for ${wanted}`,
  );
}

export async function checkPages({ base, api, check }) {
  // One time for pages and APIs, which is over.
  const to = Math.floor(Date.now() / 1e3) - 2;
  const from = to - 1800;
  const range = `from=${from}&to=${to}`;
  const metric = (q) => api(`/tempo/api/metrics/query?q=${encoded(q)}&start=${from}&end=${to}`);
  const labels = (series) =>
    Object.fromEntries(series.labels.map(({ key, value }) => [key, Object.values(value)[0]]));
  const total = async (q) => (await metric(q)).series?.[0]?.value ?? 0;
  const counts = await metric("{ kind = server } | count_over_time() by (resource.service.name)");
  const [busiest] = counts.series.sort((a, b) => b.value - a.value);
  const service = labels(busiest)["resource.service.name"];
  const own = `resource.service.name = "${service}"`;
  const entry = `${own} && (kind = server || kind = consumer || nestedSetParent = -1)`;
  const rowsOf = (page) => page.locator("main tbody tr");

  await check("a service's figures are those of the API", async (page) => {
    await page.goto(`${base}/?${range}`);
    const row = rowsOf(page).filter({ has: page.getByRole("link", { name: service, exact: true }) });
    await row.waitFor();
    near(
      await row.locator("td").nth(1).textContent(),
      (await total(`{ ${entry} } | count_over_time()`)) / 1800,
      "rate",
    );
    await row.locator("a").first().click();
    await page.waitForURL((url) => url.pathname === `/services/${encoded(service)}`);
    const rate = page.getByRole("region", { name: "Rate" }).locator("a").first();
    near(await rate.textContent(), (await total(`{ ${entry} } | count_over_time()`)) / 1800, "rate");
    const failed = await total(`{ ${entry} && status = error } | count_over_time()`);
    const all = await total(`{ ${entry} } | count_over_time()`);
    const shown = numberOf(
      await page.getByRole("region", { name: "Errors" }).locator("a").first().textContent(),
    );
    assert.ok(Math.abs(shown - (failed / all) * 100) <= 0.06, `errors ${shown} for ${failed} of ${all}`);
  });

  await check("a chart has the same as a table", async (page) => {
    await page.goto(`${base}/services/${encoded(service)}?${range}`);
    await page.getByRole("button", { name: "Rate as a table" }).click();
    const cells = page.getByRole("region", { name: "Rate, table" }).locator("tbody tr");
    await cells.first().waitFor();
    const shown = await cells.locator("td:nth-child(2)").allInnerTexts();
    const q = encoded(`{ ${entry} } | rate()`);
    const answer = await api(`/tempo/api/metrics/query_range?q=${q}&start=${from}&end=${to}&step=30s`);
    const wanted = answer.series[0].samples.filter(
      ({ timestampMs }) => timestampMs > from * 1e3 && timestampMs <= to * 1e3,
    );
    assert.equal(shown.length, wanted.length);
    for (const [i, { value = 0 }] of wanted.entries()) near(shown[i], value, `interval ${i}`);
  });

  await check("operations are those of the API, and lead to their spans", async (page) => {
    await page.goto(`${base}/services/${encoded(service)}?${range}`);
    await rowsOf(page).first().waitFor();
    const shown = await rowsOf(page).locator("td:first-child").allInnerTexts();
    const { series } = await metric(`{ ${entry} } | count_over_time() by (name)`);
    assert.deepEqual(shown.map((name) => name.trim()).sort(), series.map((one) => labels(one).name).sort());
    const [name] = shown;
    await rowsOf(page).first().locator("td").nth(1).locator("a").click();
    await page.waitForURL((url) => url.pathname === "/search");
    assert.ok(new URL(page.url()).searchParams.get("q").includes(`name = ${JSON.stringify(name.trim())}`));
    assert.equal(new URL(page.url()).searchParams.get("from"), String(from));
  });

  await check("an operation has its durations, neighbors and examples", async (page) => {
    await page.goto(`${base}/services/${encoded(service)}?${range}`);
    const link = rowsOf(page).first().locator("a").first();
    const name = (await link.textContent()).trim();
    await link.click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    const operation = `${own} && name = ${JSON.stringify(name)}`;
    const callers = page.getByRole("region", { name: "Callers" });
    await callers.locator("tbody tr, p").first().waitFor();
    const { series = [] } = await metric(
      `{ ${operation} } < { } | count_over_time() by (resource.service.name, name, kind)`,
    );
    assert.equal(await callers.locator("tbody tr").count(), Math.min(12, series.length));
    const slow = page.getByRole("region", { name: "Slowest" }).locator("tbody tr").first();
    await slow.waitFor();
    const longest = (await total(`{ ${operation} } | max_over_time(duration)`)) * 1e9;
    const title = await slow.locator("td").last().getAttribute("title");
    assert.ok(Math.abs(numberOf(title) / longest - 1) < 0.01, `${title} for ${longest}`);
    await slow.locator("a").click();
    await page.waitForURL(/\/trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}$/);
  });

  await check("dependencies are those of the service model", async (page) => {
    await page.goto(`${base}/services/${encoded(service)}?tab=dependencies&${range}`);
    const called = page.getByRole("region", { name: "Calls" });
    await called.locator("tbody tr, p").first().waitFor();
    const { edges } = await api(`/api/ui/service-map?service=${encoded(service)}&start=${from}&end=${to}`);
    const out = edges.filter(({ client, server }) => client === service && server !== service);
    assert.equal(await called.locator("tbody tr").count(), out.length);
    const into = edges.filter(({ server }) => server === service);
    const by = page.getByRole("region", { name: "Called by" });
    assert.equal(await by.locator("tbody tr").count(), into.length);
  });

  await check("exceptions are those of the API, and lead to traces", async (page) => {
    await page.goto(`${base}/exceptions?${range}`);
    await rowsOf(page).first().waitFor();
    const { groups } = await api(`/api/ui/exceptions?start=${from}&end=${to}`);
    assert.ok(groups.length > 2, `${groups.length} groups`);
    const shown = await rowsOf(page).locator("td:nth-child(3)").allInnerTexts();
    assert.deepEqual(
      shown.map(numberOf),
      groups.map(({ count }) => count),
    );
    await page.getByLabel("Filter exceptions").fill(groups[1].service);
    await page.waitForURL(/filter=/);
    const having = groups.filter(({ type, message, frame, service }) =>
      `${type} ${message} ${frame} ${service}`.includes(groups[1].service),
    );
    assert.equal(await rowsOf(page).count(), having.length);
    await rowsOf(page).first().locator("td").last().locator("a").first().click();
    await page.waitForURL(/\/trace\/[0-9a-f]{32}\?span=/);
  });

  await check("metrics are those of the API, and an exemplar opens its trace", async (page) => {
    const q = "{ kind = server } | rate() by (resource.service.name)";
    const quantiles = "{ kind = server } | quantile_over_time(duration, .5, .99)";
    await page.goto(`${base}/metrics?q=${encoded(q)}&q=${encoded(quantiles)}&${range}`);
    await rowsOf(page).first().waitFor();
    const { series } = await metric(q);
    assert.equal(await rowsOf(page).count(), series.length + 2);
    assert.equal(await page.locator("main canvas").count(), 2);
    await page.locator('main a[href^="/trace/"]').first().click();
    await page.waitForURL(/\/trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}$/);
    // The same address without a query is for scrapers.
    const text = await (await fetch(`${base}/metrics`)).text();
    assert.match(text, /^# HELP /);
  });

  await check(
    "what is wrong with a metrics query is told, and the other stays to be corrected",
    async (page) => {
      await page.goto(`${base}/metrics?q=${encoded("{ } | rate()")}&q=${encoded("{ } | rat()")}`);
      await page
        .getByRole("alert")
        .filter({ hasText: /^B: .*col/ })
        .waitFor();
    },
  );

  await check("the tail shows what arrives, and stands still on request", async (page) => {
    const span = (id) => ({
      traceId: "1".repeat(32),
      spanId: String(id).padStart(16, "0"),
      service: "web",
      name: `operation ${id}`,
      startUnixNanos: "1700000000000000000",
      durationNanos: 1e6,
      error: id === 2,
      root: true,
    });
    const event = { spans: [span(1), span(2)], received: 40, dropped: 38 };
    await page.route("**/api/ui/live?*", (route) =>
      route.fulfill({
        contentType: "text/event-stream",
        body: `event: spans\ndata: ${JSON.stringify(event)}\n\n`,
      }),
    );
    await page.goto(`${base}/live`);
    await rowsOf(page).first().waitFor();
    assert.match(await rowsOf(page).first().textContent(), /operation 2[\s\S]*error/);
    await page.getByText(/38 not shown/).waitFor();
    await page.keyboard.press("p");
    await page.getByRole("button", { name: "Go on" }).waitFor();
    await page.keyboard.press("p");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await rowsOf(page).first().locator("a").click();
    await page.waitForURL(/\/trace\/1{32}\?span=0{15}2$/);
  });

  await check("the server's tail is open, and says what is wrong with a filter", async (page) => {
    await page.goto(`${base}/live`);
    await page.getByRole("status").getByText("listening").waitFor();
    await page.goto(`${base}/live?q=${encoded("{ stattus = error }")}`);
    await page.locator(".notice[role=alert]").filter({ hasText: /col/ }).waitFor();
  });

  await check("the administration has what the API says", async (page) => {
    await page.goto(`${base}/admin`);
    await page.getByText("Bytes per span").waitFor();
    const { limits, blocks, version } = await api("/api/ui/tenant");
    const { total } = await api("/api/ui/blocks?limit=1");
    assert.ok((await page.locator("main header").textContent()).includes(`version ${version}`));
    await page.getByText("All parts are running").waitFor();
    const listed = page.getByRole("region", { name: "Limits in force" }).locator("dt");
    assert.deepEqual(await listed.allInnerTexts(), Object.keys(limits));
    assert.match(
      await page.getByRole("region", { name: "Blocks" }).locator("h2").textContent(),
      new RegExp(`${total}$`),
    );
    assert.equal(blocks.count, total);
  });

  await check("commands are reached by keys", async (page) => {
    await page.goto(`${base}/?${range}`);
    await focusOmnibox(page);
    await page.keyboard.type("> theme: light");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
    await focusOmnibox(page);
    await page.keyboard.type("> exceptions");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/exceptions$/);
    await focusOmnibox(page);
    await page.keyboard.type(service);
    const option = page.getByRole("option", { name: `${service} service` });
    await option.waitFor();
    while ((await option.getAttribute("aria-selected")) !== "true") await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === `/services/${encoded(service)}`);
  });

  await check("a time without spans is not taken for a tenant without", async (page) => {
    await page.goto(`${base}/?from=now-6d&to=now-5d`);
    await page.getByText("The newest trace is from").waitFor();
    await page.getByRole("link", { name: "Show the time around it" }).click();
    await rowsOf(page).first().waitFor();
  });
}
