import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHookRunner, findHook, HookNotRunnableError } from "../src/index.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "odd-hooks-"));
});
afterEach(() => rm(dir, { recursive: true }));

const env = { PATH: process.env["PATH"] ?? "" };

async function writeHook(name: string | Buffer, body: string): Promise<void> {
  const file = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name)]);
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
}

test("runs the hook of a folder with a relative path, wherever the hook begins, and no program of that name", async () => {
  await writeHook("date", "echo hook; pwd");
  const hooks = createHookRunner({ dir: relative(process.cwd(), dir) });
  expect((await hooks.run("date", { env, cwd: "/" }))?.lastLines).toEqual(["hook", "/"]);
  expect(await hooks.find("date")).toBe(join(dir, "date"));
  const before = process.cwd();
  process.chdir(dir);
  try {
    const here = createHookRunner({ dir: "." });
    expect((await here.run("date", { env, cwd: "/" }))?.lastLines).toEqual(["hook", "/"]);
    expect(await findHook(".", "date")).toBe(join(dir, "date"));
  } finally {
    process.chdir(before);
  }
});

test.each([
  { timeoutMs: Number.NaN },
  { timeoutMs: -1 },
  { killAfterMs: Number.NaN },
  { timeoutMs: "5s" as unknown as number },
])("refuses %j, and does not run the hook without a limit", async (options) => {
  await writeHook("quick", "exit 0");
  const run = createHookRunner({ dir }).run("quick", { env, ...options });
  await expect(run).rejects.toThrow(TypeError);
});

test("says that the folder is missing that a hook should begin in, and not the hook", async () => {
  await writeHook("quick", "exit 0");
  const hooks = createHookRunner({ dir });
  const run = hooks.run("quick", { env, cwd: join(dir, "none") });
  await expect(run).rejects.toThrow(
    `the folder that it begins in, ${join(dir, "none")}, can't be looked at (ENOENT)`,
  );
  const inFile = hooks.run("quick", { env, cwd: join(dir, "quick") });
  await expect(inFile).rejects.toThrow("is no folder");
});

test("runs no hook of a folder with a name that no text leads to, and does not skip it", async () => {
  await writeHook("10-first", "exit 0");
  await writeHook(Buffer.from([0x32, 0xff]), "exit 9");
  const all = createHookRunner({ dir }).runAll({ env });
  await expect(all).rejects.toThrow(HookNotRunnableError);
  await expect(all).rejects.toThrow("its name is no UTF-8");
});

test("finds no hooks in a folder that is not there", async () => {
  const hooks = createHookRunner({ dir: join(dir, "none") });
  expect(await hooks.run("ready", { env })).toBeUndefined();
  expect([...(await hooks.runAll({ env }))]).toEqual([]);
  await mkdir(join(dir, "none"));
  expect([...(await hooks.runAll({ env }))]).toEqual([]);
});

test("refuses a name with a null byte as it does one with a slash", async () => {
  await expect(createHookRunner({ dir }).run("a\0b", { env })).rejects.toThrow(TypeError);
});

test("has a hook that is stopped act on SIGTERM", async () => {
  await writeHook("stop", "trap 'echo ends; exit 0' TERM; echo $$; kill -STOP $$; exit 1");
  const stop = new AbortController();
  const lines: string[] = [];
  const hooks = createHookRunner({ dir, onLine: (_hook, _stream, line) => void lines.push(line) });
  const run = hooks.run("stop", { env, signal: stop.signal, killAfterMs: 60_000 });
  const isStopped = async (): Promise<boolean> =>
    lines.length > 0 && / T /.test(await readFile(`/proc/${lines[0]}/stat`, "utf8"));
  while (!(await isStopped())) await sleep(10);
  stop.abort(new Error("enough"));
  await expect(run).rejects.toThrow("enough");
  expect(lines[1]).toBe("ends");
});

test.each([
  [`#!/${"x".repeat(300)}`, "its first line names an interpreter beyond the 256 bytes that Linux reads"],
  ["#!/etc/passwd", "its interpreter /etc/passwd can't be executed"],
  ["#!/bin", "its interpreter /bin can't be executed"],
])("does not have a shell run a script that begins with %.20s", async (line, why) => {
  await writeFile(join(dir, "hook"), `${line}\necho run\n`);
  await chmod(join(dir, "hook"), 0o755);
  const run = createHookRunner({ dir }).run("hook", { env });
  await expect(run).rejects.toMatchObject({ code: "ERR_HOOK_NOT_RUNNABLE", why });
});

test("runs a script with a first line that is long behind its interpreter", async () => {
  await writeFile(join(dir, "hook"), `#!/bin/sh ${" ".repeat(300)}\necho run\n`);
  await chmod(join(dir, "hook"), 0o755);
  expect((await createHookRunner({ dir }).run("hook", { env }))?.lastLines).toEqual(["run"]);
});
