// Puts the page's script and style into its HTML: dist/page.html is all there is to serve.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const options = { bundle: true, minify: true, write: false, target: "es2022", logLevel: "warning" };

async function bundle(entry, more = {}) {
  const { outputFiles } = await build({ ...options, ...more, entryPoints: [entry] });
  return outputFiles[0].text.trim();
}

const script = await bundle("src/page/main.ts", { format: "iife" });
const style = await bundle("src/page/page.css", { target: "chrome123" });
const page = readFileSync("src/page/page.html", "utf8")
  // Functions: `$` means something in a text.
  .replace("/*STYLE*/", () => style)
  .replace("/*SCRIPT*/", () => script);
mkdirSync("dist", { recursive: true });
writeFileSync("dist/page.html", page);
