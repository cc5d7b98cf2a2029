// Starts Azurite, Azure's own emulator of Blob Storage, on a free port of the loopback interface with an
// empty container, prints the account's URL, and ends when standard input does.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const [account, key, container] = process.argv.slice(2);
const program = fileURLToPath(new URL("node_modules/azurite/dist/src/blob/main.js", import.meta.url));
const options = [
  ["--blobHost", "127.0.0.1"],
  ["--blobPort", "0"],
  ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck"],
].flat();
const azurite = spawn(process.execPath, [program, ...options], {
  env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
  stdio: ["ignore", "pipe", "inherit"],
});
azurite.on("exit", (code) => process.exit(code ?? 1));
process.stdin.on("end", () => azurite.kill()).resume();

for await (const line of createInterface({ input: azurite.stdout })) {
  const url = line.match(/listens on (http:\/\/127\.0\.0\.1:\d+)/)?.[1];
  if (url) {
    await createContainer(url);
    process.stdout.write(`${url}/${account}\n`);
  }
}

// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
async function createContainer(url) {
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2021-12-02" };
  const toSign = [
    "PUT",
    ...Array(11).fill(""),
    ...Object.entries(headers).map(([name, value]) => `${name}:${value}`),
    `/${account}/${account}/${container}`,
    "restype:container",
  ].join("\n");
  const signature = createHmac("sha256", Buffer.from(key, "base64")).update(toSign).digest("base64");
  const answer = await fetch(`${url}/${account}/${container}?restype=container`, {
    method: "PUT",
    headers: { ...headers, authorization: `SharedKey ${account}:${signature}` },
  });
  if (!answer.ok) {
    throw new Error(`the container was not created: ${answer.status} ${await answer.text()}`);
  }
}
