// Checks that sources stay small: no file over 250 lines, half of them below 70, no function over 60. Tests don't count. A
// function's lines are those that are not in functions inside it. Usage: node script/lib/check-sizes.mjs
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MOST_LINES_PER_FILE = 250;
const MEDIAN_BELOW = 70;
const MOST_LINES_PER_FUNCTION = 60;
/** Shorter ones are not looked for: their lines count for the function that they are in. */
const SHORTEST_FUNCTION = 2;
const FOLDERS = ["packages/*/src", "testing/*/src", "e2e/src"];
const problems = [];

const sources = execFileSync("git", ["ls-files", ...FOLDERS.map((folder) => `:(glob)${folder}/**/*.ts`)], {
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .filter((file) => existsSync(file) && !file.endsWith(".test.ts"));
const lengths = sources.map((file) => readFileSync(file, "utf8").trimEnd().split("\n").length);
for (const [index, lines] of lengths.entries()) {
  if (lines > MOST_LINES_PER_FILE)
    problems.push(`${sources[index]}: ${lines} lines, at most ${MOST_LINES_PER_FILE} are allowed`);
}
const median = lengths.toSorted((a, b) => a - b)[Math.floor(lengths.length / 2)];
if (median >= MEDIAN_BELOW)
  problems.push(`the median file has ${median} lines, expected less than ${MEDIAN_BELOW}`);

const functions = findFunctions();
if (functions.length === 0) problems.push("biome found no function");
for (const { file, start, own } of functions.map(countOwnLines)) {
  if (own > MOST_LINES_PER_FUNCTION)
    problems.push(
      `${file}:${start}: a function of ${own} lines, at most ${MOST_LINES_PER_FUNCTION} are allowed`,
    );
}
const longest = Math.max(...functions.map((each) => countOwnLines(each).own));

if (problems.length > 0) console.error(problems.join("\n"));
else
  console.error(
    `${sources.length} sources, half of them of at most ${median} lines; the longest function has ${longest}`,
  );
process.exitCode = problems.length > 0 ? 1 : 0;

/** Asks biome, which reports every function that is longer than its limit. */
function findFunctions() {
  const folder = mkdtempSync(join(tmpdir(), "msdha-sizes-"));
  const options = { maxLines: SHORTEST_FUNCTION - 1 };
  const rules = { preset: "none", complexity: { noExcessiveLinesPerFunction: { level: "error", options } } };
  try {
    writeFileSync(
      join(folder, "biome.json"),
      JSON.stringify({ formatter: { enabled: false }, linter: { rules } }),
    );
    const { stdout } = spawnSync(
      "node_modules/.bin/biome",
      ["lint", `--config-path=${folder}`, "--max-diagnostics=none", "--reporter=json", ...sources],
      { encoding: "utf8", maxBuffer: 2 ** 28 },
    );
    return JSON.parse(stdout)
      .diagnostics.filter(({ category }) => category === "lint/complexity/noExcessiveLinesPerFunction")
      .map(({ location: { path, start, end } }) => ({ file: path, start: start.line, end: end.line }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function countOwnLines({ file, start, end }) {
  const inside = functions.filter(
    (other) =>
      other.file === file &&
      other.start >= start &&
      other.end <= end &&
      !(other.start === start && other.end === end),
  );
  const inOthers = new Set();
  for (const { start: from, end: to } of inside)
    for (let line = from; line <= to; line += 1) inOthers.add(line);
  return { file, start, own: end - start + 1 - inOthers.size };
}
