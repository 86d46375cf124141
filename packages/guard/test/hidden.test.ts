import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TempDir, tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { guardBinary, type StartedGuard, startGuard } from "../src/index.ts";
import { buildGuard, type Mark, mark, processesWhere } from "./support.ts";

beforeAll(buildGuard);

const isRoot = process.geteuid?.() === 0;
const because = isRoot ? "" : " (skipped: needs root)";
const OTHER = "--reuid=12345 --regid=12345 --clear-groups --bounding-set=-all --inh-caps=-all";

/** Starts a guard that is not root's and that sees in /proc only what it may trace. */
async function startUnseeing(folder: TempDir): Promise<StartedGuard> {
  chmodSync(folder.path, 0o755);
  const program = join(folder.path, "msdha-guard");
  copyFileSync(guardBinary(), program);
  chmodSync(program, 0o755);
  const mount = join(folder.path, "hide");
  const hide = 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"';
  writeFileSync(mount, `#!/bin/sh\n${hide}\n`, { mode: 0o755 });
  const binary = join(folder.path, "guard-as");
  const command = `unshare --mount ${mount} setpriv ${OTHER} ${program} "$@"`;
  writeFileSync(binary, `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  return await startGuard({ binary });
}

/** A program that its user may execute and not read: nobody but root may trace it, or see it in such a /proc. */
function makeUnreadable(folder: TempDir): string {
  const file = join(folder.path, "unseen");
  const [source = ""] = execFileSync("sh", ["-c", "command -v sleep"], { encoding: "utf8" }).split("\n");
  copyFileSync(source, file);
  chmodSync(file, 0o711);
  return file;
}

async function start(guard: StartedGuard, { env }: Mark, folder: TempDir, script: string) {
  const program = makeUnreadable(folder);
  const options = { env: { ...env, UNSEEN: program }, cwd: "/", output: "inherit" } as const;
  const started = await guard.spawn("sh", ["-c", script], options);
  await waitFor(() => processesWhere((pid) => commandOf(pid).startsWith(program)).length === 1, {
    what: "the program",
  });
  return started;
}

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "utf8");

describe(`a program that /proc hides (hidepid) from a guard that is not root's${because}`, {
  skip: !isRoot,
}, () => {
  test("is asked to end when it has lost its parent", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startUnseeing(folder);
    const wrapper = await start(guard, marked, folder, "$UNSEEN 60 & sleep 60");
    wrapper.kill("SIGKILL", { group: false });
    await wrapper.exited;
    guard.signalOrphans("SIGTERM");
    await guard.gone();
    expect(await guard.killAll()).toEqual({ killed: 0, someKilled: [] });
  });

  test("is asked to end where its parent keeps the signal to itself", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startUnseeing(folder);
    const wrapper = await start(guard, marked, folder, "$UNSEEN 60; exit 5");
    guard.signalOrphans("SIGTERM", { childrenOf: wrapper.pid });
    expect(await wrapper.exited).toEqual({ code: 5, signal: null });
  });

  test("is reached by signalAll()", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startUnseeing(folder);
    await start(guard, marked, folder, "trap '' TERM; trap 'exit 5' USR1; $UNSEEN 60");
    expect((await guard.signalAll("SIGUSR1")).reached).toBe(2);
    await guard.gone();
  });

  test("is killed", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startUnseeing(folder);
    await start(guard, marked, folder, "setsid $UNSEEN 60 & wait");
    expect((await guard.killAll()).killed).toBe(2);
    expect(marked.alive()).toEqual([]);
  });
});
