import { readFileSync } from "node:fs";
import { defineConfig } from "vite";
import type { Plugin } from "vite";

// JupyterLab's icons are imported as text.
const icons: Plugin = {
  name: "icons",
  enforce: "pre",
  load: (id) => (/@jupyterlab.*\.svg$/.test(id) ? `export default ${JSON.stringify(readFileSync(id, "utf8"))}` : undefined),
};

// Two documents: the page, which is small and strict, and the frame that
// notebooks are shown in. They share no chunk but the preloader.
export default defineConfig({
  base: "/",
  plugins: [icons],
  // Style sheets name packages as webpack has it.
  resolve: { alias: [{ find: /^~/, replacement: "" }] },
  build: {
    outDir: "../internal/web/dist",
    emptyOutDir: false,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 8000,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "frame.html"] },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  define: { "process.env.NODE_ENV": '"production"', "process.env": "{}", global: "globalThis", __dirname: '"/"' },
});
