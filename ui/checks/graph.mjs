// A trace's graph: its nodes and calls are those of a plain computation over the spans, and keys reach all of it.
import assert from "node:assert/strict";

const NODES_MAX = 150;
const isFailed = (span) => span.tags.some(({ key, value }) => key === "error" && value === true);
const tag = (span, name) => span.tags.find(({ key }) => key === name)?.value;
const numberIn = (text) => Number(text.replace(/[^0-9]/g, "") || 0);
const param = (page, name) => new URL(page.url()).searchParams.get(name);
const nodes = (page) => page.locator("[role=listbox] [role=option]");

/**
 * What the graph of spans has to show: nodes by their names, calls by theirs, and which node each span is part of.
 * Each of `all` has an id, a service, a name, a kind, the id of its parent, and whether it has failed.
 */
function plainGraph(all) {
  const operation = ({ service, name }) => `${service} ${name}`;
  const kinds = new Map();
  for (const span of all)
    kinds.set(operation(span), (kinds.get(operation(span)) ?? new Set()).add(span.kind));
  const label = (span) =>
    kinds.get(operation(span)).size > 1 ? `${operation(span)} (${span.kind})` : operation(span);
  const byId = new Map(all.map((span) => [span.id, span]));
  const graph = { nodes: new Map(), calls: new Map(), nodeOf: new Map() };
  for (const span of all) {
    const node = label(span);
    graph.nodeOf.set(span.id, node);
    const before = graph.nodes.get(node) ?? { spans: 0, errors: 0 };
    graph.nodes.set(node, { spans: before.spans + 1, errors: before.errors + (span.failed ? 1 : 0) });
    const parent = byId.get(span.parent);
    if (!parent) continue;
    const call = `${label(parent)} → ${node}`;
    graph.calls.set(call, (graph.calls.get(call) ?? 0) + 1);
  }
  return graph;
}

/** The rows of a list below the drawing, the texts of their cells. */
async function rowsOf(page, list) {
  await page.locator(`table[aria-label=${list}] tbody tr`).first().waitFor();
  const more = page.getByRole("button", { name: /show more/ });
  while ((await more.count()) > 0) await more.click();
  return page
    .locator(`table[aria-label=${list}] tbody tr`)
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
}

/** `trace` is an id, `spans` are its spans as Jaeger's API has them. */
export async function checkGraph({ check, base, trace, spans }) {
  const { processes } = (await (await fetch(`${base}/jaeger/api/traces/${trace}`)).json()).data[0];
  const graph = plainGraph(
    spans.map((span) => ({
      id: span.spanID,
      service: processes[span.processID].serviceName,
      name: span.operationName,
      kind: tag(span, "span.kind") ?? "internal",
      parent: span.references[0]?.spanID,
      failed: isFailed(span),
    })),
  );
  const open = async (page, query = "") => {
    await page.goto(`${base}/trace/${trace}?view=graph${query}`);
    await nodes(page).first().waitFor();
  };

  await check("the graph has the operations and the calls of the spans", async (page) => {
    await open(page);
    const drawn = await nodes(page).evaluateAll((all) => all.map((node) => node.getAttribute("aria-label")));
    const wanted = [...graph.nodes].map(
      ([name, { spans }]) => `${name}, ${spans} span${spans > 1 ? "s" : ""}`,
    );
    assert.deepEqual(drawn.map((label) => label.split(", ").slice(0, 2).join(", ")).sort(), wanted.sort());
    const operations = await rowsOf(page, "Operations");
    assert.deepEqual(
      new Map(
        operations.map(([name, spans, errors]) => [
          name,
          { spans: numberIn(spans), errors: numberIn(errors) },
        ]),
      ),
      graph.nodes,
    );
    await page.getByRole("radio", { name: /^Calls/ }).click();
    await page.waitForURL(/list=calls/);
    const calls = await rowsOf(page, "Calls");
    assert.deepEqual(
      new Map(calls.map(([to, from, count]) => [`${from} → ${to}`, numberIn(count)])),
      graph.calls,
    );
  });

  await check(
    "the graph is walked by keys along its calls, and its selection is that of the waterfall",
    async (page) => {
      await open(page);
      const focused = () =>
        page.evaluate(() => {
          const { activeElement } = document;
          if (activeElement.getAttribute("role") !== "option") return null;
          const { stroke } = getComputedStyle(activeElement.querySelector("rect"));
          return { label: activeElement.getAttribute("aria-label"), isRinged: stroke !== "none" };
        });
      for (let i = 0; i < 60 && !(await focused()); i++) await page.keyboard.press("Tab");
      assert.ok((await focused())?.isRinged, "a node has the focus, and it can be seen");
      await page.keyboard.press("ArrowRight");
      await page.waitForURL(/span=/);
      const chosen = graph.nodeOf.get(param(page, "span"));
      assert.ok((await focused()).label.startsWith(`${chosen}, `), `${chosen} has the focus`);
      const root = graph.nodeOf.get(spans.find(({ references }) => references.length === 0).spanID);
      assert.ok(graph.calls.has(`${root} → ${chosen}`), `${root} calls ${chosen}`);
      await page.keyboard.press("ArrowLeft");
      await page.waitForURL((url) => graph.nodeOf.get(url.searchParams.get("span")) === root);
      await page.keyboard.press("Tab");
      assert.equal(await focused(), null, "the next tab leaves the drawing");
      const at = param(page, "span");
      await page.keyboard.press("1");
      await page.locator("[role=treegrid] [role=row][aria-selected=true]").waitFor();
      assert.equal(param(page, "span"), at);
    },
  );

  await check("a node of the graph leads to the longest of its spans that failed", async (page) => {
    await open(page);
    const failing = [...graph.nodes].filter(([, { errors }]) => errors > 0);
    const [name] = failing.sort(([, a], [, b]) => b.spans - a.spans)[0];
    const own = spans.filter((span) => isFailed(span) && graph.nodeOf.get(span.spanID) === name);
    const longest = Math.max(...own.map(({ duration }) => duration));
    await page
      .locator("[role=option]")
      .and(page.getByLabel(`${name}, `))
      .first()
      .click();
    await page.locator("aside[aria-label=Span] table").first().waitFor();
    await page.waitForURL(/span=/);
    assert.equal(own.find(({ spanID }) => spanID === param(page, "span"))?.duration, longest);
  });

  await check(
    "what does not match is dim in the graph, or hidden, and a link keeps all of it",
    async (page) => {
      const failing = [...graph.nodes].filter(([, { errors }]) => errors > 0).map(([name]) => name);
      const span = spans.find(isFailed).spanID;
      await open(page, `&f=${encodeURIComponent("{ status = error }")}&span=${span}&list=calls`);
      await page.locator("[role=option][data-match=no]").first().waitFor();
      const bright = await page
        .locator("[role=option]:not([data-match=no])")
        .evaluateAll((all) => all.map((node) => node.getAttribute("aria-label")));
      assert.equal(bright.length, failing.length);
      for (const name of failing)
        assert.ok(
          bright.some((label) => label.startsWith(`${name}, `)),
          name,
        );
      const chosen = page.locator("[role=option][aria-selected=true]");
      assert.ok((await chosen.getAttribute("aria-label")).startsWith(`${graph.nodeOf.get(span)}, `));
      await page.keyboard.press("h");
      await page.waitForFunction(
        (n) => document.querySelectorAll("[role=option]").length === n,
        failing.length,
      );
      await page.waitForURL(/hide=1/);
      await page.reload();
      await page.locator("table[aria-label=Calls]").waitFor();
      await page.waitForFunction(
        (n) => document.querySelectorAll("[role=option]").length === n,
        failing.length,
      );
      assert.equal(param(page, "span"), span);
    },
  );
}

/** `made` is a trace of many spans (`fixtures.mjs`), with more operations than a drawing has room for. */
export async function checkLargeGraph({ check, base, traces: { hundredThousand: made } }) {
  await check(
    "the graph of a hundred thousand spans draws what took most time, and says what it leaves",
    async (page) => {
      const graph = plainGraph(
        made.spans.map((span) => ({
          id: span.i,
          service: span.service,
          name: span.name,
          kind: span.parent ? "internal" : "server",
          parent: span.parent?.i,
          failed: span.isError,
        })),
      );
      await page.goto(`${base}/trace/${made.traceId}?view=graph`);
      await nodes(page).first().waitFor();
      assert.equal(await nodes(page).count(), NODES_MAX);
      const others = graph.nodes.size - (NODES_MAX - 1);
      await page
        .getByRole("option", { name: new RegExp(`^${others.toLocaleString("en")} more operations`) })
        .waitFor();
      const operations = await rowsOf(page, "Operations");
      assert.deepEqual(
        new Map(
          operations.map(([name, spans, errors]) => [
            name,
            { spans: numberIn(spans), errors: numberIn(errors) },
          ]),
        ),
        graph.nodes,
      );
      await page.getByRole("radio", { name: `Calls ${graph.calls.size.toLocaleString("en")}` }).waitFor();
    },
  );
}
