// Prints vitest's coverage by package. Usage: node script/lib/print-coverage.mjs coverage-summary.json
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const { total: _, ...files } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const packages = new Map();
for (const [file, { statements, branches }] of Object.entries(files)) {
  const name = relative(process.cwd(), file).split("/").slice(0, 2).join("/");
  const sums = packages.get(name) ?? { statements: [0, 0], branches: [0, 0] };
  packages.set(name, sums);
  for (const [key, { covered, total }] of Object.entries({ statements, branches })) {
    sums[key][0] += covered;
    sums[key][1] += total;
  }
}
const percent = ([covered, total]) => (total === 0 ? "-" : `${((100 * covered) / total).toFixed(1)} %`);
console.log(`${"package".padEnd(26)}${"statements".padStart(12)}${"branches".padStart(12)}`);
for (const [name, { statements, branches }] of [...packages].sort(([a], [b]) => (a < b ? -1 : 1))) {
  if (statements[0] === 0) continue;
  console.log(`${name.padEnd(26)}${percent(statements).padStart(12)}${percent(branches).padStart(12)}`);
}
