// One trace whose slow spans are nearly all of one version.
import { randomBytes } from "node:crypto";

/** Of a hundred slow spans, and of four hundred others. */
const [BAD_SLOW, BAD_OTHERS] = [92, 44];
/** In percent. */
export const SHARES = [BAD_SLOW, (BAD_OTHERS / 400) * 100];

function made(service) {
  const startMillis = Date.now() - 120_000;
  const root = { i: 0, parent: null, start: 0, duration: 9e9, attributes: {} };
  const spans = [root];
  for (let k = 0; k < 500; k++) {
    const isSlow = k < 100;
    const isBad = isSlow ? k < BAD_SLOW : k - 100 < BAD_OTHERS;
    const attributes = { version: isBad ? "bad" : "good", "request.id": `request-${k}`, shard: k % 4 };
    const duration = isSlow ? 3e9 + k * 1e6 : 2e7;
    spans.push({ i: k + 1, parent: root, start: k * 1e7, duration, attributes });
  }
  const common = { level: 0, service, name: "work", kind: 2, isError: false, events: [] };
  return {
    traceId: randomBytes(16).toString("hex"),
    startMillis,
    startNanos: BigInt(startMillis) * 1_000_000n,
    spans: spans.map((span) => ({ ...common, ...span })),
  };
}

/** Sends it to a service of its own: a server that is looked at twice has the traces of both times. */
export async function plantedTrace(send, endpoint) {
  const service = `planted-${randomBytes(4).toString("hex")}`;
  // An acknowledged span can be found.
  await send(endpoint, made(service));
  return { service, bad: SHARES[0], others: SHARES[1] };
}
