// Checks the Markdown files: links lead somewhere, source files that they name exist, no line is too long to read, and the
// tables of variables name those that the programs read. Usage: node script/lib/check-docs.mjs
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { readSchema } from "./read-schema.mjs";

const LONGEST_LINE = 300;
const problems = [];

const tracked = execFileSync("git", ["ls-files"], { encoding: "utf8" }).trim().split("\n").filter(existsSync);
const pages = tracked.filter((file) => file.endsWith(".md") && !file.endsWith("CHANGELOG.md"));
const files = pages.filter((file) => !file.startsWith(".changeset/"));

for (const file of pages) checkLines(file, readFileSync(file, "utf8"));
for (const file of files) {
  const text = readFileSync(file, "utf8");
  checkLinks(file, withoutCode(text));
  checkSources(file, withoutFences(text));
}
checkVariables("backend", "docs/backend.md");
checkVariables("frontend", "packages/frontend/README.md");
checkLength("README.md", 150);
checkPromotionPath("docs/architecture.md", { mostFiles: 8, mostLines: 700 });
checkPostgresVariables("packages/postgresql/src/", "images/backend-postgresql/hooks/README.md");

if (problems.length > 0) console.error(problems.join("\n"));
else console.error(`${files.length} Markdown files are in order`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** The table below "The path to promotion" lists files of packages, those of the backend without its folder. */
function checkPromotionPath(file, { mostFiles, mostLines }) {
  const [, table = ""] = /^The path to promotion.*\n\n((?:\|.*\n)+)/m.exec(readFileSync(file, "utf8")) ?? [];
  const paths = [...table.matchAll(/^\| `([\w./-]+)`/gm)].map(([, path]) =>
    join("packages", path.includes("/") ? path : `backend/src/${path}`),
  );
  const lines = paths.reduce((sum, path) => sum + countLines(path), 0);
  if (paths.length === 0 || paths.length > mostFiles) {
    problems.push(`${file}: expected a promotion path of 1 to ${mostFiles} files, got ${paths.length}`);
  }
  if (lines > mostLines) {
    problems.push(`${file}: expected a promotion path of at most ${mostLines} lines, got ${lines}`);
  }
}

function countLines(path) {
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n").length : 0;
}

function checkLines(file, text) {
  for (const [index, { length }] of text.split("\n").entries()) {
    if (length > LONGEST_LINE) {
      problems.push(`${file}:${index + 1}: expected at most ${LONGEST_LINE} characters, got ${length}`);
    }
  }
}

function checkLinks(file, text) {
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path, anchor] = target.split("#");
    const wanted = path === "" ? file : normalize(join(dirname(file), decodeURIComponent(path)));
    if (!existsSync(wanted)) problems.push(`${file}: the link to ${target} leads nowhere`);
    else if (anchor && statSync(wanted).isFile() && !anchorsOf(wanted).has(anchor)) {
      problems.push(`${file}: ${wanted} has no heading for #${anchor}`);
    }
  }
}

/** Source files may be named by the end of their path: `take-lock.ts`, `group/src/take-lock.ts`. */
function checkSources(file, text) {
  for (const [, path] of text.matchAll(/`([\w./-]+\.(?:ts|mjs|c))`/g)) {
    const end = path.replace(/^(?:\.\.?\/)+/, "");
    if (end.startsWith("dist/") || tracked.some((one) => one === end || one.endsWith(`/${end}`))) continue;
    problems.push(`${file}: there is no file ${path}`);
  }
}

/** The anchors of a file's headings, as GitHub makes them. */
function anchorsOf(file) {
  const headings = withoutFences(readFileSync(file, "utf8")).matchAll(/^#+ (.*)$/gm);
  const anchors = new Set();
  for (const [, heading] of headings) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
    for (let count = 0; ; count += 1) {
      const name = count === 0 ? anchor : `${anchor}-${count}`;
      if (anchors.has(name)) continue;
      anchors.add(name);
      break;
    }
  }
  return anchors;
}

/** Each variable of an app's schema has a row in the page's table, with the default that the schema has. */
function checkVariables(app, page) {
  const read = readSchema(`packages/${app}/src/config.ts`);
  const [, table = ""] = /^## Variables\n([\s\S]*?)(?=^## )/m.exec(readFileSync(page, "utf8")) ?? [];
  const documented = new Map();
  for (const row of table.match(/^\| `MSDHA_.*$/gm) ?? []) {
    const cells = row.split("|").map((cell) => cell.trim());
    const names = [...cells[1].matchAll(/`(MSDHA_\w+)`/g)].map(([, name]) => name);
    // The second column may say who reads the variable.
    const stated = ["both", "backend", "frontend"].includes(cells[2]) ? cells[3] : cells[2];
    for (const name of names) documented.set(name, names.length === 1 ? stated : undefined);
  }
  for (const [name, expected] of read) {
    const stated = documented.get(name);
    if (!documented.has(name)) problems.push(`${page}: expected a row for ${name}, which ${app} reads`);
    else if (expected !== undefined && stated !== undefined && !stated.startsWith(`\`${expected}\``))
      problems.push(`${page}: expected the default \`${expected}\` for ${name}, got ${stated}`);
  }
  for (const name of documented.keys()) {
    if (!read.has(name)) problems.push(`${page}: ${app} does not read ${name}`);
  }
}

function checkLength(file, most) {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n").length;
  if (lines > most) problems.push(`${file}: expected at most ${most} lines, got ${lines}`);
}

/** The names that the sources read are there as `MSDHA_PG_…` and `POSTGRES_…`. */
function checkPostgresVariables(folder, document) {
  const sources = tracked.filter((file) => file.startsWith(folder) && !file.endsWith(".test.ts"));
  const code = sources.map((file) => readFileSync(file, "utf8")).join("\n");
  const read = new Set(code.match(/\b(?:MSDHA_PG|POSTGRES)_[A-Z]+(?:_[A-Z]+)*\b(?!_)/g));
  const rows = readFileSync(document, "utf8").match(/^\| `.*$/gm) ?? [];
  const documented = new Set(rows.join("\n").match(/\b(?:MSDHA_PG|POSTGRES)_[A-Z_]+\b/g));
  for (const name of read) {
    const isKnown = documented.has(name) || documented.has(name.replace(/_FILE$/, ""));
    if (!isKnown) problems.push(`${document}: expected a row for ${name}`);
  }
  for (const name of documented) {
    if (!read.has(name)) problems.push(`${document}: the hooks do not read ${name}`);
  }
}

function withoutFences(text) {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}

function withoutCode(text) {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, "");
}
