// count-tests.mjs PASSED FAILED REPORT…: prints "N passed, N failed" (and ", N skipped") over checks and vitest's JSON
// reports. A file that is in several reports was run again: its last run counts. Before that line: each test that failed,
// with the first lines of why, and each that passed only when it was tried or run again. Fails when something failed, when a
// report is missing, or when no test ran.
import { readFileSync } from "node:fs";

const [passedChecks, failedChecks, ...files] = process.argv.slice(2);
const count = { passed: Number(passedChecks), failed: Number(failedChecks), skipped: 0 };
/** The runs of each file of tests, first to last. */
const runs = new Map();
for (const file of files) {
  try {
    for (const suite of JSON.parse(readFileSync(file, "utf8")).testResults) {
      runs.set(suite.name, [...(runs.get(suite.name) ?? []), suite]);
    }
  } catch (error) {
    process.stderr.write(`no report of a test run: ${error.message}\n`);
    count.failed += 1;
  }
}

const failures = ({ assertionResults }) => assertionResults.filter(({ status }) => status === "failed");

for (const [name, suites] of runs) {
  const last = suites.at(-1);
  for (const { status } of last.assertionResults) count[status in count ? status : "skipped"] += 1;
  for (const test of failures(last)) {
    tell("failed", `${name}: ${test.fullName}`, test.failureMessages.join("\n"));
  }
  if (last.status === "failed" && failures(last).length === 0) {
    count.failed += 1;
    tell("failed", name, last.message);
  }
  if (last.status === "failed") continue;
  // Vitest's own second try: the test passed, and why it failed first is still there.
  for (const test of last.assertionResults) {
    if (test.status === "passed" && test.failureMessages.length > 0) {
      tell("passed only when tried again", `${name}: ${test.fullName}`, test.failureMessages.join("\n"));
    }
  }
  for (const suite of suites.slice(0, -1)) {
    for (const test of failures(suite)) {
      tell("passed only when run again", `${name}: ${test.fullName}`, test.failureMessages.join("\n"));
    }
    if (failures(suite).length === 0) tell("passed only when run again", name, suite.message);
  }
}

function tell(what, where, why) {
  process.stderr.write(`${what}: ${where}\n${why.split("\n", 12).join("\n")}\n`);
}

const { passed, failed, skipped } = count;
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
