import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChaos } from "./chaos.ts";
import { describeAgain, readOptions } from "./options.ts";
import { describeReport, isClean } from "./report.ts";
import { isInSandbox, runInSandbox } from "./sandbox.ts";

const options = readOptions(process.argv.slice(2));
if (process.getuid?.() !== 0) {
  process.stderr.write("script/chaos: network namespaces take root\n");
  process.exit(2);
}
if (!isInSandbox) process.exit(await runInSandbox());

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => interrupted.abort(new Error("interrupted")));
}
const began = performance.now();
// The sandbox's own memory, gone with it; not before the report, which an interrupted run has too.
const folder = mkdtempSync("/dev/shm/msdha-chaos-");

function tell(line: string): void {
  const at = ((performance.now() - began) / 1000).toFixed(1).padStart(8);
  appendFileSync(join(folder, "trace"), `${at} ${new Date().toISOString()} ${line}\n`);
  if (/^(seed|round|LATE|PROBLEM)/.test(line)) process.stderr.write(`${at} ${line}\n`);
}

try {
  const report = await runChaos({ ...options, folder, tell, signal: interrupted.signal });
  const clean = isClean(report);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : describeReport(report));
  if (!clean || options.keep) process.stderr.write(`logs and journal: ${keepFolder(options.seed)}\n`);
  if (!clean) process.stderr.write(`again: ${describeAgain(options)}\n`);
  process.exitCode = interrupted.signal.aborted ? 130 : clean ? 0 : 1;
} catch (error) {
  process.stderr.write(`script/chaos: ${error instanceof Error ? error.stack : error}\n`);
  process.stderr.write(`logs and journal: ${keepFolder(options.seed)}\n`);
  process.exitCode = 2;
}
process.exit();

/** Copies what a reader needs to a folder that stays. */
function keepFolder(seed: string): string {
  const kept = mkdtempSync(join(tmpdir(), `msdha-chaos-${seed.replaceAll(/\W/g, "_")}-`));
  cpSync(folder, kept, { recursive: true, filter: (path) => !/\/(code|data|run)$/.test(path) });
  rmSync(join(kept, "code"), { recursive: true, force: true });
  return kept;
}
