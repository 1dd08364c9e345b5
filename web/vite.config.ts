import { defineConfig } from "vite";

// Two documents: the page, which is small and strict, and the frame that
// notebooks are shown in. They share no chunk but the preloader.
export default defineConfig({
  base: "/",
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
  define: { "process.env.NODE_ENV": '"production"', "process.env": "{}", global: "globalThis" },
});
