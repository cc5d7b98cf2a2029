import { defineConfig } from "vite";

/** Where a server runs during development: `SPANDREL=http://127.0.0.1:3200 npm run dev`. */
const server = process.env.SPANDREL ?? "http://127.0.0.1:3200";

export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2023", modulePreload: { polyfill: false }, reportCompressedSize: true },
  server: { proxy: { "/api": server, "^/s/": server, "/tempo": server, "/jaeger": server, "/status": server } },
});
