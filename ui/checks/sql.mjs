// The SQL console: against a server without SQL it says what to do, against one with it the rows are those of the
// spans that the other APIs have. What the page does with answers of all kinds is looked at with answers of our own.
import assert from "node:assert/strict";

const encoded = encodeURIComponent;
const TRACES = 12;

const column = (name, type = "text") => ({ name, type });
const answerOf = (columns, rows, error) => JSON.stringify({ columns, rows, ...(error && { error }) });
const SCHEMA = answerOf(
  [column("table_schema"), column("table_name"), column("column_name"), column("data_type")],
  [
    ["public", "spans", "name", "Utf8View"],
    ["public", "spans", "start_time", 'Timestamp(ns, "UTC")'],
    ["public", "spans", "duration_ms", "Float64"],
  ],
);

/** Answers every query with what `answer` makes of it; the schema is always there. */
async function answering(page, answer) {
  await page.route("**/api/sql?*", (route) => {
    const query = route.request().postData();
    if (query.includes("information_schema")) return route.fulfill({ body: SCHEMA });
    return answer(query, route);
  });
}

const rows = (page) => page.locator("[role=grid] [role=row]:has([role=gridcell])");
const cellsOf = (page) =>
  rows(page).evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
const editor = (page) => page.getByRole("textbox", { name: "SQL" });

export async function checkSql({ check, base, browser, api }) {
  browser.expect(/status of 501/);
  const { status } = await fetch(`${base}/api/sql`, { method: "POST", body: "SELECT 1" });
  if (status === 501) await checkWithout({ check, base, browser });
  else await checkWith({ check, base, api });
  await checkAnswers({ check, base, browser });
}

async function checkWithout({ check, base, browser }) {
  await check("SQL: a server without it says what to do", async (page) => {
    for (const path of ["/sql", `/sql?q=${encoded("SELECT 1")}`]) {
      await page.goto(base + path);
      await page.getByRole("heading", { level: 1, name: "This server has no SQL" }).waitFor();
      assert.equal(await page.getByRole("alert").count(), 0, "nothing looks broken");
      assert.ok(await page.getByText("cargo build --release --features sql").isVisible());
    }
    assert.deepEqual(await browser.violations(page), []);
    await page.locator("main").getByRole("link", { name: "Search" }).click();
    await page.waitForURL((url) => url.pathname === "/search");
  });
}

async function checkWith({ check, base, api }) {
  await check("SQL: rows are those that the spans of the same traces give", async (page) => {
    const { traces } = await api(`/tempo/api/search?limit=${TRACES}&q=${encoded("{ status = error }")}`);
    const ids = traces.map(({ traceID }) => traceID.padStart(32, "0"));
    const wanted = new Map();
    for (const id of ids) {
      const [{ spans, processes }] = (await api(`/jaeger/api/traces/${id}`)).data;
      for (const { processID, duration, tags } of spans) {
        const service = processes[processID].serviceName;
        const [count = 0, failed = 0, longest = 0] = wanted.get(service) ?? [];
        const isFailed = tags.some(({ key, value }) => key === "error" && value === true);
        wanted.set(service, [count + 1, failed + Number(isFailed), Math.max(longest, duration)]);
      }
    }
    const q = `SELECT service_name, count(*) AS spans, sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END) AS errors,
      max(duration_nanos) / 1000 AS longest
    FROM spans WHERE trace_id IN (${ids.map((id) => `'${id}'`).join(", ")}) GROUP BY service_name`;
    await page.goto(`${base}/sql?from=now-1d&q=${encoded(q)}`);
    await rows(page).first().waitFor();
    const shown = (await cellsOf(page)).map(([service, ...numbers]) => [
      service,
      numbers.map((number) => Number(number.replaceAll(",", ""))),
    ]);
    const sorted = (all) => [...all].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(shown), sorted(wanted));
  });

  await check("SQL: as many spans as TraceQL counts in the same time, also as a file", async (page) => {
    const to = Math.floor(Date.now() / 1e3) - 2;
    const from = to - 1800;
    const path = `/tempo/api/metrics/query?q=${encoded("{ } | count_over_time()")}&start=${from}&end=${to}`;
    const wanted = (await api(path)).series[0].value;
    await page.goto(`${base}/sql?from=${from}&to=${to}&q=${encoded("SELECT count(*) AS spans FROM spans")}`);
    await rows(page).first().waitFor();
    const [[shown]] = await cellsOf(page);
    assert.equal(Number(shown.replaceAll(",", "")), wanted);
    for (const [form, name, has] of [
      ["CSV", "spandrel.csv", `spans\n${wanted}\n`],
      ["JSON", "spandrel.json", `[${wanted}]`],
      ["Arrow", "spandrel.arrows", "spans"],
    ]) {
      await page.getByRole("button", { name: "Download" }).click();
      const saved = page.waitForEvent("download");
      await page.getByRole("button", { name: form }).click();
      const file = await saved;
      assert.equal(file.suggestedFilename(), name);
      const chunks = [];
      for await (const chunk of await file.createReadStream()) chunks.push(chunk);
      assert.ok(Buffer.concat(chunks).toString("latin1").includes(has), `${form} has ${has}`);
    }
  });

  await check("SQL: every example runs, and can be looked at both ways", async (page) => {
    await page.goto(`${base}/sql?from=now-1h`);
    const examples = page.getByRole("region", { name: "Queries to start with" }).getByRole("button");
    await examples.first().waitFor();
    const labels = await examples.locator("b").allInnerTexts();
    assert.ok(labels.length > 4);
    for (const label of labels) {
      await page.getByRole("combobox", { name: "Run one of these queries" }).selectOption(label);
      await page.waitForURL(/q=/);
      for (const view of ["Table", "Chart"]) {
        await page.getByRole("radio", { name: view }).check({ force: true });
        await page.locator("main [role=grid], main [aria-label='Charts of the answer']").first().waitFor();
        assert.equal(await page.locator("main [role=alert]").count(), 0, `${label} as a ${view}`);
      }
      await page.goto(`${base}/sql?from=now-1h`);
      await examples.first().waitFor();
    }
  });

  await check("SQL: a mistake is told where it is, and mended by a click", async (page) => {
    await page.goto(`${base}/sql?q=${encoded("SELECT nam\nFROM spans LIMIT 3")}`);
    const alert = page.locator("form [role=alert]");
    await alert.waitFor();
    assert.match(await alert.textContent(), /line 1, col 8/);
    await page.getByRole("button", { name: "write name" }).click();
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(() => document.querySelectorAll("[role=grid] [role=row]").length === 4);
  });
}

async function checkAnswers({ check, base, browser }) {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const table = answerOf(
    [column("trace_id"), column("duration_ms", "double"), column("n", "bigint"), column("at", "timestamptz")],
    [
      [trace, 1.5, 3, "2026-01-02T03:04:05Z"],
      [trace, 3073.698681, 20, "2026-01-02T03:04:06Z"],
      [trace, null, null, null],
    ],
  );

  await check("SQL: written, run, ordered and read by keys alone", async (page) => {
    await answering(page, (_, route) => route.fulfill({ body: table }));
    await page.goto(`${base}/sql`);
    await page.getByRole("complementary").getByRole("button", { name: "duration_ms" }).first().waitFor();
    await editor(page).focus();
    await page.keyboard.type("SELECT dur");
    await page.getByRole("listbox").getByRole("option").first().waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await editor(page).inputValue(), "SELECT duration_ms");
    await page.keyboard.press("Enter");
    await page.keyboard.type("FROM spans");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Enter");
    await rows(page).nth(2).waitFor();
    assert.equal(new URL(page.url()).searchParams.get("q"), "SELECT duration_ms\nFROM spans");
    assert.deepEqual(
      (await cellsOf(page)).map(([, duration]) => duration),
      ["1.50 ms", "3.07 s", "null"],
    );
    await page.getByRole("columnheader", { name: "duration_ms" }).getByRole("button").press("Enter");
    assert.deepEqual(
      (await cellsOf(page)).map(([, duration]) => duration),
      ["3.07 s", "1.50 ms", "null"],
    );
    await page.locator("[role=grid]").focus();
    for (const key of ["ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
    const chosen = page.getByRole("group", { name: "The chosen value" });
    assert.match(await chosen.textContent(), /3073\.698681 \(3,073,698,681 ns\)/);
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(`/trace/${trace}$`));
    await page.goBack();
    await rows(page).nth(2).waitFor();
    await page.getByRole("button", { name: "Recent" }).click();
    await page.getByRole("button", { name: /SELECT duration_ms FROM spans/ }).waitFor();
  });

  await check("SQL: what is cut or fails is told, and what has come stays", async (page) => {
    const many = answerOf(
      [column("n", "bigint")],
      Array.from({ length: 1001 }, (_, i) => [i]),
    );
    const failed = answerOf([column("n", "bigint")], [[1], [2]], "the query took longer than 30 s");
    await answering(page, (query, route) =>
      query === "failed" ? route.fulfill({ body: failed }) : route.fulfill({ body: many }),
    );
    await page.goto(`${base}/sql?limit=1000&q=many`);
    await page.getByText("The first 1,000 rows are shown").waitFor();
    await page.locator("[role=grid]").focus();
    for (const key of ["ArrowDown", "Control+End"]) await page.keyboard.press(key);
    await page.locator("[role=grid]").getByText("999", { exact: true }).waitFor();
    assert.ok((await rows(page).count()) < 100, "only rows in sight exist");
    await page.goto(`${base}/sql?q=failed`);
    await page.getByRole("alert").getByText("took longer than 30 s").waitFor();
    assert.equal(await rows(page).count(), 2);
  });

  await check("SQL: a query is given up by the button", async (page) => {
    // Never answered: what is asked for is given up before.
    await answering(page, () => {});
    await page.goto(`${base}/sql?q=slow`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Stopped before the first rows had come").waitFor();
    assert.ok(await page.getByRole("button", { name: "Run", exact: true }).isVisible());
  });

  for (const theme of ["dark", "light"]) {
    await check(`SQL, ${theme}: WCAG 2.2 AA`, async () => {
      const page = await browser.page({ theme });
      const [time, ...others] = JSON.parse(table).rows.map(([id, ms, n, at]) => [at, id, ms, n]);
      const overTime = answerOf(
        [column("at", "timestamptz"), column("id"), column("ms", "double"), column("n", "bigint")],
        [time, ...others],
      );
      await answering(page, (query, route) => route.fulfill({ body: query === "time" ? overTime : table }));
      const violations = [];
      for (const [path, there] of [
        ["/sql", "main ul button"],
        ["/sql?q=rows", "main [role=gridcell]"],
        ["/sql?q=rows&view=chart", "main [aria-label='Charts of the answer']"],
        ["/sql?q=time&view=chart", "main canvas"],
      ]) {
        await page.goto(base + path);
        await page.locator(there).first().waitFor();
        violations.push(...(await browser.violations(page)).map((violation) => `${path}: ${violation}`));
      }
      await page.context().close();
      assert.deepEqual(violations, []);
    });
  }
}
