import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.ts"],
    // Colors are looked at; all other styles are left out.
    css: { include: /tokens\.css/ },
  },
});
