// Searching, comparing, rolling up, and opening files: what pages show against what the APIs say.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { focusOmnibox } from "./browser.mjs";
import { send } from "./fixtures.mjs";
import { plantedTrace } from "./planted.mjs";

const traceIdOf = ({ traceID }) => traceID.padStart(32, "0");
const encoded = encodeURIComponent;

/** The pages that are also tested against WCAG, by name. */
export async function searchPages({ api }) {
  const [a, b] = await two(api);
  return {
    "search-spans": "/search?q=%7B%20status%20%3D%20error%20%7D&view=spans&cols=span.http.route&edit=builder",
    "compare-traces": `/trace/${a}...${b}`,
    "compare-waterfalls": `/trace/${a}...${b}?view=side`,
    "compare-table": `/trace/${a}...${b}?view=table`,
    "compare-spans": `/compare?q=%7B%20kind%20%3D%20server%20%7D&sel=%7B%20status%20%3D%20error%20%7D`,
    structure: "/structure?q=%7B%7D",
    "structure-table": "/structure?q=%7B%7D&view=table",
    upload: "/upload",
  };
}

async function two(api) {
  const q = encoded("{ rootName = `POST /checkout` }");
  const { traces } = await api(`/tempo/api/search?limit=2&order=duration&q=${q}`);
  return traces.map(traceIdOf);
}

export async function checkSearch(given) {
  await comparing(given);
  await selections(given);
  await structures(given);
  await editing(given);
  await results(given);
  await files(given);
  await addresses(given);
  // Where OTLP is taken over HTTP: then there is something to find whose share is known.
  if (process.env.OTLP_HTTP) await planted(given, process.env.OTLP_HTTP);
}

const rows = (page) => page.locator("[role=treegrid] [role=rowgroup] [role=row]");

async function comparing({ check, base, api, searched }) {
  const [a, b] = await two(api);

  await check("two traces are compared as the API compares them", async (page) => {
    const diff = await api(`/api/ui/traces/${a}/compare/${b}`);
    await page.goto(`${base}/trace/${a}...${b}`);
    await rows(page).first().waitFor();
    const grid = page.locator("[role=treegrid]");
    assert.equal(Number(await grid.getAttribute("aria-rowcount")), diff.nodes.length);
    const count = (change) => diff.nodes.filter((node) => node.change === change).length;
    const says = `${count("removed")} only in A · ${count("added")} only in B · ${count("changed")} called`;
    await page.getByText(says).waitFor();
    await page.getByLabel("changed only").check();
    // What is called or fails differently, with what leads to it; and what takes another time by itself.
    const kept = new Set();
    diff.nodes.forEach(({ change }, at) => {
      if (change === "same") return;
      for (let i = at; i >= 0; i = diff.nodes[i].parent) kept.add(i);
    });
    await page.waitForFunction((n) => {
      const grid = document.querySelector("[role=treegrid]");
      return Number(grid?.getAttribute("aria-rowcount") ?? 0) >= n;
    }, kept.size);
    assert.match(page.url(), /changed=1/);
  });

  await check("a comparison is walked through by keys", async (page) => {
    await page.goto(`${base}/trace/${a}...${b}?view=side`);
    await rows(page).first().waitFor();
    const before = Number(await page.locator("[role=treegrid]").getAttribute("aria-rowcount"));
    await rows(page).first().focus();
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(
      () => document.querySelector("[role=treegrid]")?.getAttribute("aria-rowcount") === "1",
    );
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-rowindex") === "2");
    assert.equal(Number(await page.locator("[role=treegrid]").getAttribute("aria-rowcount")), before);
  });

  await check("a trace is compared with a typical one", async (page) => {
    await page.goto(`${base}/trace/${a}...typical`);
    const typical = await api(`/api/ui/traces/${a}/typical`);
    await page.waitForURL(new RegExp(`/trace/${a}\\.\\.\\.[0-9a-f]{32}`));
    assert.ok(page.url().includes(typical.traceId), page.url());
    await rows(page).first().waitFor();
  });

  await check("two ticked traces of a search are compared", async (page) => {
    await page.goto(searched("{ rootName = `POST /checkout` }"));
    const ticks = page.locator("tbody input[type=checkbox]");
    await ticks.nth(3).waitFor();
    const links = page.locator("tbody tr a");
    const ids = [await links.nth(1).getAttribute("href"), await links.nth(3).getAttribute("href")];
    await ticks.nth(1).check();
    await ticks.nth(3).check();
    await page.getByRole("status").getByRole("link", { name: "Compare" }).click();
    await page.waitForURL(/\.\.\./);
    for (const id of ids) assert.ok(page.url().includes(id.split("/").at(-1)), page.url());
  });
}

async function selections({ check, base, api }) {
  const [q, selection] = ["{ kind = server }", "{ status = error }"];

  await check("a selection is told from the rest as the API ranks it", async (page) => {
    // A time that is over: what arrives in between would be in one answer and not in the other.
    const to = Math.floor(Date.now() / 1000);
    const from = to - 3600;
    await page.goto(`${base}/compare?q=${encoded(q)}&sel=${encoded(selection)}&from=${from}&to=${to}`);
    await page.locator("[data-attribute]").first().waitFor();
    const range = `start=${from}&end=${to}`;
    const answer = await api(`/api/ui/compare?q=${encoded(q)}&selection=${encoded(selection)}&${range}`);
    const ranked = answer.attributes.filter(({ ofSelection, idLike }) => !ofSelection && !idLike);
    const shown = await page
      .locator("section > ol > [data-attribute]")
      .evaluateAll((all) => all.map((card) => card.dataset.attribute));
    assert.ok(shown.length > 0);
    const order = ranked.map(({ name }) => name).filter((name) => shown.includes(name));
    // Further down, spans that arrive late exchange what is nearly equal.
    assert.deepEqual(shown.slice(0, 3), order.slice(0, 3), "in the order of the API");
    const [first] = ranked.filter(({ name }) => name === shown[0]);
    const value = first.values[0];
    const share = (count, of) => Math.round((count / of) * 1000) / 10;
    // Its name, its bars, its shares.
    const shares = page
      .locator("[data-attribute] li[data-kind=value]")
      .first()
      .locator(":scope > span")
      .nth(2);
    const text = await shares.textContent();
    const numbers = [...text.matchAll(/([\d.]+) %/g)].map(([, number]) => Number(number));
    assert.ok(Math.abs(numbers[0] - share(value.selection, answer.selection.spans)) <= 1, text);
    assert.ok(Math.abs(numbers[1] - share(value.baseline, answer.baseline.spans)) <= 1, text);
  });

  await check("a value of a comparison leads to its spans", async (page) => {
    await page.goto(`${base}/compare?q=${encoded(q)}&sel=${encoded(selection)}`);
    await page.locator("[data-attribute]").first().waitFor();
    await page
      .getByRole("link", { name: /^Examples of the selection/ })
      .first()
      .click();
    await page.waitForURL(/\/search\?q=/);
    await page.locator("tbody tr").first().waitFor();
  });
}

async function structures({ check, base, api }) {
  await check("the structure has the places of the API, and leads to their spans", async (page) => {
    const q = "{ rootName = `POST /checkout` }";
    const answer = await api(`/api/ui/structure?q=${encoded(q)}`);
    await page.goto(`${base}/structure?q=${encoded(q)}`);
    await page.locator("button[data-at]").first().waitFor();
    const says = await page.getByText(/ places?$/).textContent();
    assert.ok(says.includes(`${answer.traces.toLocaleString("en")} trace`), says);
    assert.ok(says.includes(`${answer.nodes.length.toLocaleString("en")} place`), says);
    const box = page.locator("button[data-at]").nth(2);
    const node = answer.nodes[Number(await box.getAttribute("data-at"))];
    await box.click();
    const place = page.getByRole("complementary", { name: "Place" });
    await place.getByText(node.spans.toLocaleString("en"), { exact: true }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/focus=/);
    await place.getByRole("link", { name: "Find these spans" }).click();
    await page.waitForURL(/\/search\?q=/);
    await page.locator("tbody tr").first().waitFor();
  });
}

async function editing({ check, base, searched }) {
  const field = (page) => page.getByRole("textbox", { name: "TraceQL", exact: true });

  await check("what can follow is offered while a query is written", async (page) => {
    await page.goto(searched("{}"));
    await field(page).fill("");
    await field(page).pressSequentially("{ resource.service.na");
    const option = page.getByRole("option", { name: /^(resource\.)?service\.name\b/ }).first();
    await option.waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.match(await field(page).inputValue(), /^\{ resource\.service\.name/);
    await field(page).fill('{ resource.service.name = "');
    await field(page).press("End");
    await field(page).press("Control+Space");
    await page
      .getByRole("listbox", { name: /^Suggestions/ })
      .getByRole("option")
      .first()
      .waitFor();
    await page.keyboard.press("Escape");
    await field(page).fill("{ kind = client }");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/kind\+%3D\+client/);
    const hasFocus = await field(page).evaluate((element) => element === document.activeElement);
    assert.ok(hasFocus, "whoever ran the query can go on writing it");
  });

  await check("a mistake is marked where it is, and mended", async (page) => {
    await page.goto(searched("{ stattus = error }"));
    const marked = page.locator("pre [data-problem]").first();
    await marked.waitFor();
    assert.equal(await marked.textContent(), "stattus");
    await page.getByRole("button", { name: "write status" }).click();
    assert.equal(await field(page).inputValue(), "{ status = error }");
    await page.getByRole("button", { name: "Run" }).click();
    await page.locator("tbody tr").first().waitFor();
  });

  await check("conditions and text are one query", async (page) => {
    await page.goto(searched('{ kind = server && resource.service.name = "cart" }'));
    await page.getByRole("radio", { name: "Builder" }).click();
    assert.equal(await page.getByLabel("Value of resource.service.name").inputValue(), "cart");
    await page.getByLabel("Value of resource.service.name").fill("checkout");
    await page.getByRole("button", { name: "Remove the condition on kind" }).click();
    await page.getByRole("radio", { name: "TraceQL" }).click();
    assert.equal(await field(page).inputValue(), '{ resource.service.name = "checkout" }');
    await field(page).fill("{} >> { kind = server }");
    await page.getByRole("radio", { name: "Builder" }).click();
    await page.getByText("is more than a row of conditions").waitFor();
    await page.getByRole("button", { name: "Edit the text" }).click();
    assert.equal(await field(page).inputValue(), "{} >> { kind = server }");
  });

  await check("queries that were run are kept in this browser", async (page) => {
    await page.goto(`${base}/search`);
    await field(page).fill("{ kind = producer }");
    await page.keyboard.press("Enter");
    await page.waitForURL(/producer/);
    await page.goto(`${base}/search`);
    await page.getByRole("button", { name: "Recent" }).click();
    await page.getByRole("button", { name: "{ kind = producer }" }).click();
    await page.waitForURL(/producer/);
  });
}

async function results({ check, base, api, searched }) {
  await check("more results follow exactly where the first ones end", async (page) => {
    await page.goto(searched("{ kind = server }"));
    await page.getByText("newest 50 traces").waitFor();
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByText("newest 100 traces").waitFor();
    const links = await page.locator("tbody tr a").evaluateAll((all) => all.map(({ href }) => href));
    assert.equal(links.length, 100);
    assert.equal(new Set(links).size, 100, "none twice");
    assert.match(page.url(), /limit=100/);
  });

  await check("spans have their attributes as columns", async (page) => {
    const q = "{ span.http.route != nil }";
    await page.goto(`${searched(q)}&view=spans&cols=span.http.route`);
    await page.locator("tbody tr").first().waitFor();
    const found = await api(
      `/tempo/api/search?limit=50&spss=20&q=${encoded(`${q} | select(span.http.route)`)}`,
    );
    const routes = new Set(
      found.traces.flatMap(({ spanSets }) =>
        spanSets.flatMap(({ spans }) =>
          spans.flatMap(({ attributes }) =>
            attributes.filter(({ key }) => key === "http.route").map(({ value }) => value.stringValue),
          ),
        ),
      ),
    );
    const at = await page.getByRole("columnheader", { name: "http.route" }).evaluate((th) => th.cellIndex);
    const shown = await page
      .locator("tbody tr")
      .evaluateAll((all, at) => all.map((row) => row.cells[at].textContent), at);
    assert.ok(shown.length > 0);
    for (const route of new Set(shown)) assert.ok(routes.has(route), route);
  });

  await check("the longest come first when durations are sorted by", async (page) => {
    const to = Math.floor(Date.now() / 1000);
    const from = to - 3600;
    await page.goto(`${searched("{ kind = server }")}&from=${from}&to=${to}`);
    await page.getByRole("button", { name: "Duration", exact: true }).click();
    await page.getByText("longest 50 traces").waitFor();
    const asked = `start=${from}&end=${to}&q=${encoded("{ kind = server }")}`;
    const answer = await api(`/tempo/api/search?limit=50&order=duration&${asked}`);
    const links = await page
      .locator("tbody tr a")
      .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    assert.deepEqual(
      links,
      answer.traces.map((trace) => `/trace/${traceIdOf(trace)}`),
    );
  });

  await check("an attribute becomes a facet, and a value of it is left out", async (page) => {
    await page.goto(`${base}/search?q=${encoded("{ kind = server }")}&facets=span.http.response.status_code`);
    const all = page.getByRole("button", { name: "All but 200" });
    await all.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) =>
      (url.searchParams.get("q") ?? "").includes("span.http.response.status_code != 200"),
    );
    assert.match(page.url(), /facets=/);
  });
}

async function files({ check, base, api }) {
  const [id] = await two(api);
  const bytes = async (path, headers = {}) => {
    const response = await fetch(base + path, { headers });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const forms = {
    "Jaeger JSON": () => bytes(`/jaeger/api/traces/${id}`),
    "Zipkin JSON": () => bytes(`/zipkin/api/v2/trace/${id}`),
    "OTLP protobuf": () => bytes(`/tempo/api/traces/${id}`, { accept: "application/protobuf" }),
  };
  for (const [form, read] of Object.entries(forms)) {
    await check(`a file of ${form} shows the trace that the server shows`, async (page) => {
      const names = async () => {
        const grid = page.locator("[role=treegrid]");
        await page.locator("[role=treegrid] [role=row]").first().waitFor();
        // Names of Zipkin are in lower case.
        const text = (await grid.textContent()).toLowerCase();
        return [await grid.getAttribute("aria-rowcount"), text.slice(0, 400)];
      };
      await page.goto(`${base}/upload`);
      await page
        .getByLabel("File with traces")
        .setInputFiles({ name: "trace", mimeType: "application/octet-stream", buffer: await read() });
      await page.waitForURL(/trace=[0-9a-f]+/);
      const fromFile = await names();
      await page.goto(`${base}/trace/${id}`);
      assert.deepEqual(fromFile, await names());
    });
  }

  await check("a file that is no trace is told so", async (page) => {
    await page.goto(`${base}/upload`);
    await page
      .getByLabel("File with traces")
      .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no trace at all") });
    await page.getByRole("alert").waitFor();
  });

  await check("a trace of a file is not there after a reload, and the page says so", async (page) => {
    await page.goto(`${base}/upload?trace=${id}`);
    await page.getByText("Choose the file again").waitFor();
  });
}

async function addresses({ check, base, api }) {
  const [a, b] = await two(api);
  const base64 = Buffer.from(a, "hex").toString("base64");
  const panes = (query) => encoded(JSON.stringify({ x: { queries: [{ query }] } }));
  const LINKS = [
    [`/trace/${a.toUpperCase()}`, `/trace/${a}`],
    [`/trace/${encoded(base64)}`, `/trace/${a}`],
    [`/trace/${a}?uiFind=payment`, `/trace/${a}?f=payment`],
    [`/trace/${a}...${b}?cohort=${a}&cohort=${b}`, `/trace/${a}...${b}`],
    [`/trace/${a.toUpperCase()}...${encoded(base64)}`, `/trace/${a}...${a}`],
    [`/compare/${a}...${b}`, `/trace/${a}...${b}`],
    [
      "/search?service=cart&lookback=2d&limit=20",
      '/search?q={ resource.service.name = "cart" }&from=now-2d&limit=20',
    ],
    [
      "/search?service=cart&start=1700000000000000&end=1700000060000000&lookback=custom&minDuration=1.2s",
      '/search?q={ resource.service.name = "cart" && duration >= 1.2s }&from=1700000000000000&to=1700000060000000',
    ],
    [
      `/search?service=cart&tags=${encoded('{"error":"true"}')}`,
      '/search?q={ resource.service.name = "cart" && status = error }',
    ],
    [`/search?traceID=${a}&traceID=${b}`, `/trace/${a}...${b}`],
    ["/dependencies", "/map"],
    ["/monitor?service=cart", "/services/cart"],
    [`/zipkin/traces/${a}`, `/trace/${a}`],
    ["/zipkin/?serviceName=cart&lookback=15m", '/search?q={ resource.service.name = "cart" }&from=now-15m'],
    [`/traces/detail/${a}?spanId=b7ad6b7169203331`, `/trace/${a}?span=b7ad6b7169203331`],
    [`/explore?schemaVersion=1&panes=${panes(a)}`, `/trace/${a}`],
  ];
  await check("links of Jaeger, Zipkin, Aspire and Grafana lead to the same things here", async (page) => {
    for (const [theirs, ours] of LINKS) {
      await page.goto(base + theirs, { waitUntil: "domcontentloaded" });
      await page.locator("main").waitFor();
      const url = new URL(page.url());
      const query = decodeURIComponent(url.search).replaceAll("+", " ");
      assert.ok((url.pathname + query).startsWith(ours), `${theirs} leads to ${url.pathname}${query}`);
    }
  });

  await check("what leads nowhere is told so", async (page) => {
    await page.goto(base);
    await focusOmnibox(page);
    await page.keyboard.type("https://example.com/%%%");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
  });
}

const newTraceId = () => randomBytes(16).toString("hex");

/** A trace, and the same without one service and with 100 ms more in one of its spans. */
function changedPair() {
  const startMillis = Date.now() - 180_000;
  const made = (isSecond) => {
    const spans = [{ i: 0, parent: null, start: 0, duration: 10e9, service: "front", name: "GET /" }];
    const add = (parent, start, duration, service, name) => {
      const span = { i: spans.length, parent, start, duration, service, name };
      spans.push(span);
      return span;
    };
    for (let k = 0; k < 250; k++) {
      const at = k * 38e6;
      const call = add(spans[0], at, 30e6, "orders", `load ${k % 9}`);
      add(call, at + 1e6, 8e6, "db", "SELECT orders");
      if (!isSecond && k % 2 === 0) add(call, at + 10e6, 8e6, "audit", "write");
      add(call, at + 20e6, 8e6, "cache", "SET");
    }
    add(spans[0], 9.6e9, isSecond ? 200e6 : 100e6, "mail", "send");
    return {
      traceId: newTraceId(),
      startMillis,
      startNanos: BigInt(startMillis) * 1_000_000n,
      spans: spans.map((span) => ({ level: 0, isError: false, attributes: {}, events: [], ...span })),
    };
  };
  return [made(false), made(true)];
}

async function planted({ check, base }, endpoint) {
  const { service } = await plantedTrace(send, endpoint);
  const pair = changedPair();
  for (const trace of pair) await send(endpoint, trace);
  await check("a service that is gone and 100 ms more are all that a comparison shows", async (page) => {
    const [a, b] = pair.map(({ traceId }) => traceId);
    await page.goto(`${base}/trace/${a}...${b}?changed=1`);
    await rows(page).first().waitFor();
    const shown = await rows(page).evaluateAll((all) =>
      all
        .filter((row) => row.querySelector("[role=gridcell]").dataset.path === undefined)
        .map((row) => [...row.querySelectorAll("[role=gridcell]")].map((cell) => cell.textContent).join("|")),
    );
    // The service that is gone was called below each of nine operations, for 8 ms each time.
    const calls = new Array(9).fill(0);
    for (let k = 0; k < 250; k += 2) calls[k % 9]++;
    const gone = calls.map((n) => `audit write|${8 * n} ms|–|+${8 * n} ms||only in A`);
    assert.deepEqual(shown.sort(), [...gone, "mail send|100 ms|200 ms|−100 ms||A faster"].sort());
  });
  await check("what was planted is found first, with its share", async (page) => {
    const q = `{ resource.service.name = "${service}" && span.shard != nil }`;
    const selection = `{ resource.service.name = "${service}" && span.shard != nil && duration > 1s }`;
    await page.goto(`${base}/compare?q=${encoded(q)}&sel=${encoded(selection)}`);
    const first = page.locator("section > ol > [data-attribute]").first();
    await first.waitFor();
    assert.equal(await first.getAttribute("data-attribute"), "span.version");
    await first.getByText("is 92 % of the selection, 11 % of the rest").waitFor();
    const folded = page.getByText("Different for nearly every span");
    await folded.click();
    await page.locator("[data-attribute='span.request.id']").waitFor();
  });
}
