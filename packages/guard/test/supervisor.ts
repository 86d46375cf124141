// A supervisor for tests to kill, freeze and block: follows the plan in its argument and tells what happens, one JSON object a line.
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@msdha/clock";
import { startGuard } from "@msdha/guard";
import type { SupervisorPlan } from "./support.ts";

const plan: SupervisorPlan = JSON.parse(process.argv[2] ?? "{}");

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const guard = await startGuard({
  ...(plan.lockFile !== undefined && { lockFile: plan.lockFile }),
  onDenied: (error) => tell({ event: "denied", text: error.message }),
});
guard.lost.addEventListener("abort", () => tell({ event: "lost", code: guard.lost.reason.code }));

await guard.withdrawAtKill(plan.withdraw ?? []);
let outputBytes = 0;
for (const [file, ...args] of plan.spawn ?? []) {
  const started = await guard.spawn(file, args, {
    env: plan.env ?? {},
    output: plan.output ?? "inherit",
    onOutput: (_, chunk) => {
      outputBytes += chunk.length;
    },
  });
  started.exited.then(
    (exit) => tell({ event: "exited", ...exit }),
    () => {},
  );
}
const deadline = plan.deadlineMs === undefined ? undefined : systemClock.now() + plan.deadlineMs;
await guard.setDeadline(deadline).catch(() => {}); // a short one may have passed, which `lost` tells
tell({ event: "ready", guard: guard.pids, deadline });

if (plan.next === "block") {
  await sleep(plan.waitMs ?? 0);
  block(plan.blockMs ?? 0);
}
if (plan.next === "freeze") {
  process.kill(process.pid, "SIGSTOP");
  for (const [file, ...args] of plan.spawnAfter ?? []) {
    await guard.spawn(file, args, { env: plan.env ?? {}, output: "inherit" }).then(
      () => tell({ event: "spawned", file }),
      (error) => tell({ event: "refused", code: error.code }),
    );
  }
}
await guard.gone().then(
  () => tell({ event: "gone", at: systemClock.now(), outputBytes }),
  (error) => tell({ event: "unknown", code: error.code }),
);
