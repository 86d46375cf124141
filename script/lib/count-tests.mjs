// count-tests.mjs PASSED FAILED REPORT…: prints "N passed, N failed" (and ", N skipped") over checks and vitest's JSON
// reports, and before it each test that failed, with the first lines of why; fails when something failed, when a report
// is missing, or when no test ran.
import { readFileSync } from "node:fs";

const [passedChecks, failedChecks, ...files] = process.argv.slice(2);
let [passed, failed, skipped] = [Number(passedChecks), Number(failedChecks), 0];
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    skipped += report.numPendingTests + report.numTodoTests;
    for (const suite of report.testResults) {
      const failures = suite.assertionResults.filter((test) => test.status === "failed");
      for (const test of failures) tell(`${suite.name}: ${test.fullName}`, test.failureMessages.join("\n"));
      if (suite.status === "failed" && failures.length === 0) {
        failed += 1;
        tell(suite.name, suite.message);
      }
    }
  } catch (error) {
    process.stderr.write(`no report of a test run: ${error.message}\n`);
    failed += 1;
  }
}

function tell(what, why) {
  process.stderr.write(`failed: ${what}\n${why.split("\n", 12).join("\n")}\n`);
}

process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
