// Packs every package, installs the tarballs into an empty project outside the tree, and uses them there as others
// would: `import`, `require`, TypeScript (strict, with the declarations checked), and every example of the READMEs.
// Usage: node script/lib/check-packed.mjs NODE… (the Node binaries to run with, the newest last)
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runExample, startEtcd } from "./run-example.mjs";

/** Their examples follow a key until it says "stop". */
const FOLLOWERS = ["etcd-watch"];

/** Their examples go on until they are ended: what they need beside them, and what they have printed when they work. */
const ENDLESS = {
  "etcd-lock-0": {
    file: "import.sh",
    text: 'echo "imported with $TOKEN"\n',
    until: /^imported with [1-9]\d*$/m,
  },
};

const nodes = process.argv.slice(2).map((file) => resolve(file));
const root = process.cwd();
const project = mkdtempSync(join(tmpdir(), "msdha-packed-"));

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
const packages = readdirSync("packages")
  .map((folder) => ({ folder, manifest: readJson(join("packages", folder, "package.json")) }))
  .filter(({ manifest }) => !manifest.private);

/** Runs a command in the project; what it printed becomes the error when it fails. */
function run(file, args, options = {}) {
  try {
    return execFileSync(file, args, { cwd: project, encoding: "utf8", stdio: "pipe", ...options });
  } catch (error) {
    throw new Error(`${file} ${args.join(" ")}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
  }
}

/** Whether a Node is new enough for a package. */
function supports(manifest, node) {
  const wanted = /^>=(\d+)/.exec(manifest.engines.node)?.[1];
  return Number(run(node, ["-p", "process.versions.node.split('.')[0]"])) >= Number(wanted);
}

function install() {
  const tarballs = join(project, "tarballs");
  mkdirSync(tarballs);
  const files = packages.map(({ folder, manifest }) => {
    const packed = run("pnpm", ["pack", "--pack-destination", tarballs], {
      cwd: join(root, "packages", folder),
    });
    const file = packed.trim().split("\n").at(-1);
    checkTarball(manifest.name, file);
    return [manifest.name, `file:${file}`];
  });
  const { devDependencies } = readJson(join(root, "package.json"));
  const { peerDependencies } = readJson(join(root, "packages", "settings", "package.json"));
  const manifest = {
    name: "outside",
    private: true,
    type: "module",
    dependencies: { ...Object.fromEntries(files), zod: peerDependencies.zod },
    devDependencies: { "@types/node": devDependencies["@types/node"] },
  };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  const overrides = files.map(([name, file]) => `  "${name}": "${file}"`).join("\n");
  const builds = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8").replace(
    /^packages:\n(?: .*\n)*/,
    "",
  );
  writeFileSync(join(project, "pnpm-workspace.yaml"), `${builds}\noverrides:\n${overrides}\n`);
  run("pnpm", [
    "install",
    "--prefer-offline",
    "--no-frozen-lockfile",
    "--config.strict-peer-dependencies=true",
  ]);
}

/** What a package must have before others see it, and what must not be left in it. */
function checkTarball(name, file) {
  const inside = run("tar", ["-tzf", file]);
  for (const wanted of ["package/LICENSE", "package/README.md"]) {
    if (!inside.includes(wanted)) throw new Error(`${name}: its tarball has no ${wanted}`);
  }
  const manifest = JSON.parse(run("tar", ["-xzOf", file, "package/package.json"]));
  for (const field of ["description", "license", "keywords", "engines"]) {
    if (Object.keys(manifest[field] ?? {}).length === 0)
      throw new Error(`${name}: its manifest has no ${field}`);
  }
  const left = JSON.stringify(manifest).match(/"(workspace:[^"]*|@msdha\/source)"/);
  if (left) throw new Error(`${name}: its manifest has ${left[1]}, which only this repository understands`);
}

/** Where each package comes from is written by the release, as its repository is not known before. */
function checkOrigins() {
  const copy = join(project, "origins");
  for (const { folder } of packages) {
    const file = join("packages", folder, "package.json");
    cpSync(join(root, file), join(copy, file));
  }
  const url = "https://git.example.com/owner/msdha";
  run("node", [join(root, "script/lib/add-repository.mjs"), copy], {
    env: { ...process.env, REPOSITORY_URL: url },
  });
  for (const { folder } of packages) {
    const { repository, homepage, bugs, name } = readJson(join(copy, "packages", folder, "package.json"));
    const directory = `packages/${folder}`;
    if (repository?.url !== `git+${url}.git` || repository.directory !== directory || !homepage || !bugs?.url)
      throw new Error(`${name}: the release does not say that it comes from ${directory} of ${url}`);
  }
}

/** The examples, by package; each block of a README that is marked `ts` is one, and has to be complete. */
function writeExamples() {
  mkdirSync(join(project, "src"));
  return packages.flatMap(({ folder, manifest }) => {
    const readme = readFileSync(join(root, "packages", folder, "README.md"), "utf8");
    return [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code], index) => {
      const name = `${folder}-${index}`;
      writeFileSync(join(project, "src", `${name}.ts`), code);
      return { name, folder, manifest };
    });
  });
}

function checkTypes() {
  const entries = packages.flatMap(({ manifest }) => entriesOf(manifest));
  // Both kinds of modules see the declarations.
  const requires = entries.map((entry, n) => `import all${n} = require("${entry}");\nexport { all${n} };\n`);
  writeFileSync(join(project, "src", "required.cts"), requires.join(""));
  const options = {
    ...{ target: "es2022", lib: ["es2023", "esnext.disposable"], module: "nodenext", types: ["node"] },
    ...{ strict: true, skipLibCheck: false, outDir: "dist", rootDir: "src" },
  };
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["src"] }),
  );
  run(join(root, "node_modules", ".bin", "tsc"), ["-p", "."]);
}

/** The modules that can be loaded from a package: `@msdha/clock`, `@msdha/etcd-client/esbuild-plugin`. */
function entriesOf({ name, exports = {} }) {
  return Object.keys(exports)
    .filter((path) => !path.endsWith(".json"))
    .map((path) => join(name, path));
}

/** Every entry of every package is loaded both ways. */
function checkLoading(node) {
  for (const { manifest } of packages) {
    if (!supports(manifest, node)) continue;
    for (const entry of entriesOf(manifest)) {
      const load = `const all = require("${entry}"); if (Object.keys(all).length === 0) process.exit(1)`;
      run(node, ["-e", load]);
      const code = `import * as all from "${entry}"; if (Object.keys(all).length === 0) process.exit(1)`;
      run(node, ["--input-type=module", "-e", code]);
    }
  }
}

let failed = 0;
try {
  install();
  checkOrigins();
  const examples = writeExamples();
  checkTypes();
  for (const node of nodes) {
    checkLoading(node);
    for (const example of examples) {
      if (!supports(example.manifest, node)) continue;
      await using etcd = await startEtcd();
      const file = join(project, "dist", `${example.name}.js`);
      const changes = FOLLOWERS.includes(example.folder);
      const endless = ENDLESS[example.name];
      if (endless) writeFileSync(join(project, endless.file), endless.text);
      const { until } = endless ?? {};
      const outcome = await runExample(node, file, { etcd, cwd: project, changes, until });
      if (outcome.ok) continue;
      failed += 1;
      console.error(`the example of ${example.folder}'s README fails with ${node}:\n${outcome.output}`);
    }
    console.error(
      `${packages.length} packages and ${examples.length} examples work with ${run(node, ["-v"]).trim()}`,
    );
  }
} catch (error) {
  failed += 1;
  console.error(error.message);
} finally {
  rmSync(project, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
