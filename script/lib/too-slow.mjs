// too-slow.mjs REPORT: prints the files, one per line, whose tests failed in vitest's JSON report by nothing but waiting in
// vain. A file of which anything else failed (a wrong value, two masters at once) is not printed.
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

const waited = /^(Error: waited \d+ ms in vain for |TestTimeoutError: |Error: (Test|Hook) timed out in )/;

const [report] = process.argv.slice(2);
const { testResults } = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : { testResults: [] };
for (const { name, assertionResults } of testResults) {
  const failed = assertionResults.filter(({ status }) => status === "failed");
  const messages = failed.flatMap(({ failureMessages }) => failureMessages);
  if (failed.length > 0 && messages.every((message) => waited.test(message))) {
    process.stdout.write(`${relative(process.cwd(), name)}\n`);
  }
}
