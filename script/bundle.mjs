// Bundles an app and everything that it imports into one file: bundle.mjs ENTRY OUTPUT, below the folder it is run in.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { inlineEtcdProto } from "../packages/etcd-client/src/esbuild-plugin.ts";

const BANNER = [
  'import { createRequire } from "node:module";',
  "const require = createRequire(import.meta.url);",
  "const __dirname = import.meta.dirname;",
  "const __filename = import.meta.filename;",
].join("");

/** Finds the packages of this repository by their folders: where an image is built, they are not linked with each other. */
const workspace = {
  name: "workspace",
  setup({ onResolve }) {
    onResolve({ filter: /^@msdha\// }, ({ path }) => {
      const [, name = "", subpath = ""] = /^@msdha\/([^/]+)(.*)$/.exec(path) ?? [];
      const folder = join(import.meta.dirname, "..", "packages", name);
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const source = manifest.exports[`.${subpath}`]["@msdha/source"];
      return { path: join(folder, source), sideEffects: manifest.sideEffects };
    });
  },
};

/**
 * Loads Node's HTTP with the module that imports it, and not at the start of every program: that takes 15 ms, as much as all else that
 * a small program loads.
 */
const laterHttp = {
  name: "later-http",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ path, namespace }) =>
      namespace === "later" ? { path, external: true } : { path, namespace: "later" },
    );
    onLoad({ filter: /./, namespace: "later" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

const [entry, outfile] = process.argv.slice(2);
if (!entry || !outfile) {
  process.stderr.write("usage: bundle.mjs ENTRY OUTPUT\n");
  process.exit(2);
}

const built = await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  conditions: ["@msdha/source"],
  // A package's peers are those of the app, and where only the app was installed they are nowhere else.
  nodePaths: [resolve("node_modules")],
  legalComments: "linked",
  minifySyntax: true,
  // What is bundled of CommonJS calls `require`, and looks for its own folder.
  banner: { js: BANNER },
  plugins: [workspace, laterHttp, inlineEtcdProto()],
  logLevel: "warning",
});
process.exit(built.errors.length > 0 ? 1 : 0);
