// count-tests.mjs PASSED FAILED REPORT…: prints "N passed, N failed" (and ", N skipped") over checks and vitest's JSON
// reports; fails when something failed, when a report is missing, or when no test ran.
import { readFileSync } from "node:fs";

const [passedChecks, failedChecks, ...files] = process.argv.slice(2);
let [passed, failed, skipped] = [Number(passedChecks), Number(failedChecks), 0];
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    skipped += report.numPendingTests + report.numTodoTests;
    failed += report.testResults.filter(
      (suite) =>
        suite.status === "failed" && suite.assertionResults.every((test) => test.status !== "failed"),
    ).length;
  } catch (error) {
    process.stderr.write(`no report of a test run: ${error.message}\n`);
    failed += 1;
  }
}
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
