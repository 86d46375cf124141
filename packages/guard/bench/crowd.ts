// Prints how long the guard takes to look at, and to kill, a crowd of processes: one JSON object.
// node --conditions=@msdha/source bench/crowd.ts [PROCESSES]
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { startGuard } from "@msdha/guard";
import { tempDir } from "@msdha/testkit";
import { buildGuard, mark, program } from "../test/support.ts";

const processes = Number(process.argv[2] ?? 5_000);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return Math.round(performance.now() - from);
}

buildGuard();
using marked = mark();
await using folder = tempDir();
await using guard = await startGuard();
const file = join(folder.path, "crowd");
execFileSync("cc", ["-O1", "-static", "-o", file, program("crowd.c")]);
const emptySurveyMs = await timed(() => guard.survey());
const there = Promise.withResolvers<void>();
await guard.spawn(file, [String(processes)], {
  env: marked.env,
  output: "pipe",
  onOutput: () => there.resolve(),
});
await there.promise;
const surveyMs = await timed(() => guard.survey());
const killAllMs = await timed(() => guard.killAll());
console.log(JSON.stringify({ processes, emptySurveyMs, surveyMs, killAllMs }));
