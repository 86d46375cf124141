// Bundles an app and everything that it imports into one file: bundle.mjs ENTRY OUTPUT, below the folder it is run in.
import { build } from "esbuild";
import { inlineEtcdProto } from "../packages/etcd-client/dist/esbuild-plugin.js";

const BANNER = [
  'import { createRequire } from "node:module";',
  "const require = createRequire(import.meta.url);",
  "const __dirname = import.meta.dirname;",
  "const __filename = import.meta.filename;",
].join("");

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
  legalComments: "linked",
  minifySyntax: true,
  // What is bundled of CommonJS calls `require`, and looks for its own folder.
  banner: { js: BANNER },
  plugins: [inlineEtcdProto()],
  logLevel: "warning",
});
process.exit(built.errors.length > 0 ? 1 : 0);
