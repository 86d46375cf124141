// Prints "N passed, N failed" (and ", N skipped") over vitest's JSON reports; fails when a report is missing,
// when a test or a test file failed, or when no test ran.
import { readFileSync } from "node:fs";

let [passed, failed, skipped] = [0, 0, 0];
for (const file of process.argv.slice(2)) {
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
