import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { createHookRunner, HookFailedError } from "@msdha/hook-runner";

const dir = mkdtempSync("/tmp/hooks-");
writeFileSync(`${dir}/ready`, '#!/bin/sh\necho "hello $1"; exit 3\n');
chmodSync(`${dir}/ready`, 0o755);

const hooks = createHookRunner({ dir, onLine: (hook, _stream, line) => console.log(`${hook}: ${line}`) });
console.log("missing hooks are skipped:", await hooks.run("start", { env: {} }));
try {
  await hooks.run("ready", { args: ["world"], env: { PATH: "/bin" }, timeoutMs: 5_000 });
} catch (error) {
  if (error instanceof HookFailedError) console.log(error.message, error.failure, error.lastLines);
}
