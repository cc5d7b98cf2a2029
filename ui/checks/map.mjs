// The map of five hundred services: what is drawn of it, what is said of the rest, and how all of it is reached.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { send } from "./fixtures.mjs";
import { expectRing } from "./focus.mjs";
import { clockWhen, median, within } from "./times.mjs";

const SERVICES = 500;
// So many that the server, which answers with at most 5,000 edges, leaves none out.
const CALLS = 8;
const NODES_MAX = 150;
const ROWS_SHOWN = 200;
/** Requests at a time. */
const SENDERS = 8;

const nameOf = (i) => `service-${String(i).padStart(3, "0")}`;
const calledBy = (i) =>
  Array.from({ length: CALLS }, (_, k) => (i * 7 + k + 1) % SERVICES).filter((called) => called !== i);

/** One request to a service, and its calls of others. */
function traceOf(i) {
  const startMillis = Date.now() - 60_000 + i;
  const common = { level: 0, isError: false, attributes: {}, events: [] };
  const root = { ...common, i: 0, parent: null, start: 0, duration: 200e6 };
  const spans = [{ ...root, service: nameOf(i), name: "GET /", kind: 2 }];
  for (const [k, called] of calledBy(i).entries()) {
    const call = { ...common, i: spans.length, parent: root, start: (k + 1) * 10e6, duration: 9e6 };
    spans.push({ ...call, service: nameOf(i), name: "GET", kind: 3 });
    const answer = { ...common, i: spans.length, parent: call, start: call.start + 1e6, duration: 7e6 };
    const isError = called % 9 === 0 && k === 0;
    spans.push({ ...answer, service: nameOf(called), name: "GET /part", kind: 2, isError });
  }
  return {
    traceId: randomBytes(16).toString("hex"),
    startMillis,
    startNanos: BigInt(startMillis) * 1_000_000n,
    spans,
  };
}

/** Sends everything to a tenant that has nothing else. */
async function sendAll(endpoint, tenant) {
  const waiting = Array.from({ length: SERVICES }, (_, i) => i);
  const sender = async () => {
    for (let i = waiting.pop(); i !== undefined; i = waiting.pop()) await send(endpoint, traceOf(i), tenant);
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

/** A map is interactive once a node takes the focus. */
function takesFocus() {
  const link = document.querySelector("[data-node] a");
  link?.focus();
  return link !== null && document.activeElement === link && performance.now();
}

const callsOf = (rows) =>
  rows.evaluateAll((all) =>
    all.map((row) =>
      [row.children[0], row.children[1]].map(({ textContent }) => textContent.trim()).join(" "),
    ),
  );

export async function checkMap({ check, base, browser, otlp }) {
  const tenant = `map-${randomBytes(4).toString("hex")}`;
  const sent = Array.from({ length: SERVICES }, (_, i) =>
    calledBy(i).map((called) => `${nameOf(i)} ${nameOf(called)}`),
  ).flat();
  let served;
  /** The server's map of what is sent when somebody looks at it first. */
  const map = () => {
    served ??= (async () => {
      await sendAll(otlp, tenant);
      const response = await fetch(`${base}/api/ui/service-map`, { headers: { "x-scope-orgid": tenant } });
      const { edges, leftOut } = await response.json();
      assert.equal(leftOut, 0);
      assert.deepEqual(
        edges
          .filter(({ connection }) => connection !== "user")
          .map(({ client, server }) => `${client} ${server}`)
          .sort(),
        sent.toSorted(),
        "the server's map has the calls that were sent",
      );
      return { edges, nodes: new Set(edges.flatMap(({ client, server }) => [client, server])) };
    })();
    return served;
  };
  const visit = async (look) => {
    const found = await map();
    const page = await browser.page({ tenant });
    try {
      return await look(page, found);
    } finally {
      await page.context().close();
    }
  };

  await check("a map of 500 services can be used within two seconds, and says what is not drawn", () =>
    visit(async (page, { edges, nodes }) => {
      const millis = await median(async () => {
        await page.goto(`${base}/map`, { waitUntil: "commit" });
        return clockWhen(page, takesFocus);
      });
      within(millis, 2000, "500 services");
      const drawn = await page.locator("[data-node]").count();
      assert.ok(drawn > 100 && drawn <= NODES_MAX, `${drawn} nodes`);
      assert.ok(nodes.size >= SERVICES, `${nodes.size} nodes`);
      await page.getByText(`${nodes.size - drawn} nodes more`).waitFor();
      // Of each node that is drawn, how many of its neighbors are not.
      const shown = await page.locator("[data-node]").evaluateAll((all) =>
        all.map((node) => {
          const text = node.querySelector("[data-more] text").textContent;
          return [node.dataset.node, /^\+\d+$/.test(text) ? Number(text.slice(1)) : 0];
        }),
      );
      const isDrawn = new Set(shown.map(([name]) => name));
      for (const [name, more] of shown) {
        const others = new Set(
          edges.flatMap(({ client, server }) =>
            client === name ? [server] : server === name ? [client] : [],
          ),
        );
        const hidden = [...others].filter((other) => other !== name && !isDrawn.has(other));
        assert.equal(more, hidden.length, `neighbors of ${name} that are not drawn`);
      }
    }),
  );

  await check("by keys alone: to a node of the map, its surroundings, and its service's page", () =>
    visit(async (page) => {
      await page.goto(`${base}/map`);
      await page.locator("[data-node] a").first().waitFor();
      const at = () =>
        page.evaluate(() => {
          const { activeElement: element } = document;
          const name = element.closest("[data-node]")?.dataset.node;
          return { name, isAround: element.hasAttribute("data-more") };
        });
      const isService = ({ name }) => name?.startsWith("service-");
      let now = {};
      for (let i = 0; i < 60 && !isService(now); i++) {
        await page.keyboard.press("Tab");
        now = await at();
      }
      assert.ok(isService(now), "no service is reached");
      assert.ok(!now.isAround, "the node itself comes before what is around it");
      const { name } = now;
      await expectRing(page, browser, "focus");
      await page.keyboard.press("Tab");
      assert.deepEqual(await at(), { name, isAround: true });
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.searchParams.get("focus") === name);
      await page.getByRole("button", { name: `around ${name}` }).waitFor();
      const node = page.locator(`[data-node="${name}"] a`).first();
      for (let i = 0; i < 400; i++) {
        await page.keyboard.press("Tab");
        if (await node.evaluate((link) => link === document.activeElement)) break;
      }
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === `/services/${name}`);
      await page.getByRole("heading", { level: 1, name }).waitFor();
    }),
  );

  await check("the list has all calls, and all neighbors of what one looks around", () =>
    visit(async (page, { edges }) => {
      const rows = page.locator("main tbody tr");
      await page.goto(`${base}/map`);
      await rows.first().waitFor();
      assert.equal(await rows.count(), ROWS_SHOWN);
      const all = page.getByRole("button", { name: /^Show all/ });
      assert.ok((await all.textContent()).includes(edges.length.toLocaleString("en")));
      await all.click();
      await rows.nth(ROWS_SHOWN).waitFor();
      const listed = new Set(await callsOf(rows));
      for (const call of sent) assert.ok(listed.has(call), `${call} is not listed`);
      assert.equal(listed.size, edges.length);
      for (const name of [nameOf(0), nameOf(SERVICES - 1)]) {
        await page.goto(`${base}/map?focus=${name}`);
        await rows.first().waitFor();
        const near = sent.filter((call) => call.split(" ").includes(name));
        const shown = (await callsOf(rows)).filter((call) => sent.includes(call));
        assert.deepEqual(shown.sort(), near.sort(), name);
      }
    }),
  );
}
