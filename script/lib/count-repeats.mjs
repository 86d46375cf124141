// count-repeats.mjs TIMES REPORT…: prints a line for each test of vitest's JSON reports: its runs, its failures, and what
// it is. Fails when a test failed, or did not run so many times.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

const [times, ...files] = process.argv.slice(2);
const tests = new Map();
for (const file of files) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  for (const { name, status, message, assertionResults } of report.testResults) {
    const path = relative(process.cwd(), name);
    if (status === "failed" && assertionResults.length === 0)
      count(`${path}: as a whole`, "failed", [message]);
    for (const test of assertionResults)
      count(`${path}: ${test.fullName}`, test.status, test.failureMessages);
  }
}

function count(what, status, messages) {
  const test = tests.get(what) ?? { runs: 0, failures: 0, skipped: 0 };
  tests.set(what, test);
  if (status === "passed" || status === "failed") test.runs += 1;
  else test.skipped += 1;
  if (status !== "failed") return;
  test.failures += 1;
  process.stderr.write(`failed: ${what}\n${messages.join("\n").split("\n", 8).join("\n")}\n`);
}

let bad = 0;
let runs = 0;
for (const [what, { runs: own, failures, skipped }] of [...tests].sort()) {
  const isSkipped = own === 0 && skipped > 0;
  if (failures > 0 || (!isSkipped && own < Number(times))) bad += 1;
  runs += own;
  process.stdout.write(`${isSkipped ? "skipped" : `${own} runs, ${failures} failures`}: ${what}\n`);
}
process.stdout.write(`${tests.size} tests, ${runs} runs, ${bad} tests with a failure or too few runs\n`);
process.exit(bad > 0 || runs === 0 ? 1 : 0);
