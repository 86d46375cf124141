import { readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHookRunner, HookFailedError, HookNotRunnableError } from "../src/index.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "hooks-"));
});
afterEach(() => rm(dir, { recursive: true }));

const env = { PATH: process.env["PATH"] ?? "" };

async function writeHook(name: string, body: string, mode = 0o755): Promise<void> {
  await writeFile(join(dir, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(dir, name), mode);
}

function runner() {
  const lines: string[] = [];
  return {
    lines,
    hooks: createHookRunner({ dir, onLine: (hook, stream, line) => lines.push(`${hook} ${stream} ${line}`) }),
  };
}

test("runs a hook with its arguments and just the environment that it is given", async () => {
  await writeHook("greet", `echo "$1 $2 \${WHO:-nobody} \${HOME:-none}"; echo careful >&2`);
  const { hooks, lines } = runner();
  const run = await hooks.run("greet", { args: ["good day", "to"], env: { ...env, WHO: "you" } });
  expect(run?.lastLines.toSorted()).toEqual(["careful", "good day to you none"]);
  expect(lines.sort()).toEqual(["greet stderr careful", "greet stdout good day to you none"]);
});

test("skips a hook that is missing, and only that", async () => {
  const { hooks } = runner();
  await expect(hooks.run("none", { env })).resolves.toBeUndefined();
  await writeHook("plain", "exit 0", 0o644);
  await expect(hooks.run("plain", { env })).rejects.toThrow(/hook plain can't be run: .*chmod \+x/);
  await writeFile(join(dir, "lost"), "#!/no/such/interpreter\n");
  await chmod(join(dir, "lost"), 0o755);
  await expect(hooks.run("lost", { env })).rejects.toThrow("its interpreter /no/such/interpreter is missing");
  await writeFile(join(dir, "dos"), "#!/bin/sh\r\nexit 0\r\n");
  await chmod(join(dir, "dos"), 0o755);
  await expect(hooks.run("dos", { env })).rejects.toThrow("carriage return");
  await mkdir(join(dir, "folder"));
  await expect(hooks.find("folder")).rejects.toBeInstanceOf(HookNotRunnableError);
});

test("says why a hook can't be run, whatever the system says of its name", async () => {
  await symlink("loop", join(dir, "loop"));
  await symlink("x".repeat(300), join(dir, "long"));
  await writeHook("plain", "exit 0");
  await symlink(join(dir, "plain", "below"), join(dir, "below"));
  const { hooks } = runner();
  const whyNot = async (hook: string): Promise<unknown> =>
    hooks.run(hook, { env }).catch((error: unknown) => error instanceof HookNotRunnableError && error.why);
  expect(await whyNot("loop")).toBe("it is a link that leads back to itself");
  expect(await whyNot("long")).toBe("name too long (ENAMETOOLONG)");
  expect(await whyNot("below")).toBe("it is a link to a file that is not there");
});

test("leaves out of a flood of lines what no log can take, but not its end, nor what its caller reads", async () => {
  await writeHook("flood", "seq 100000; echo gives up >&2; exit 3");
  const { hooks, lines } = runner();
  let read = 0;
  const run = hooks.run("flood", { env, onStdout: () => (read += 1) });
  await expect(run).rejects.toThrow("ended with code 3");
  expect(read).toBe(100_000);
  expect(lines.length).toBeLessThan(50_000);
  expect(lines).toContainEqual(expect.stringMatching(/^flood stdout \(\d+ lines of output left out/));
  expect(lines.slice(-21)).toContain("flood stderr gives up");
});

test("passes the end of a line that is too long on to a log, and not as a line of its own to who reads answers", async () => {
  await writeHook("long", `printf '%08192d' 0 | tr 0 x; echo 99; echo 7`);
  const { hooks, lines } = runner();
  const read: string[] = [];
  await hooks.run("long", { env, onStdout: (line) => read.push(line) });
  expect(read).toEqual([`${"x".repeat(8_192)}…`, "7"]);
  expect(lines.slice(1)).toEqual(["long stdout 99", "long stdout 7"]);
});

test("tells how a hook failed", async () => {
  await writeHook("three", "exit 3");
  await writeHook("killed", "kill -9 $$");
  const { hooks } = runner();
  await expect(hooks.run("three", { env })).rejects.toThrow("hook three ended with code 3");
  await expect(hooks.run("killed", { env })).rejects.toMatchObject({
    failure: { kind: "signal", signal: "SIGKILL" },
  });
});

test("kills a hook that takes too long", async () => {
  await writeHook("slow", `echo $$ > ${dir}/pid; exec sleep 60`);
  const { hooks } = runner();
  await expect(hooks.run("slow", { env, timeoutMs: 300 })).rejects.toBeInstanceOf(HookFailedError);
  const pid = Number(await readFile(join(dir, "pid"), "utf8"));
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test("ends a hook, and what it started in its process group, when its signal aborts", async () => {
  await writeHook("slow", `sleep 60 & echo $! > ${dir}/pid; wait`);
  const { hooks } = runner();
  const stop = new AbortController();
  const run = hooks.run("slow", { env, signal: stop.signal });
  const outcome = expect(run).rejects.toThrow("enough");
  await expect.poll(() => readFile(join(dir, "pid"), "utf8").catch(() => "")).not.toBe("");
  stop.abort(new Error("enough"));
  await outcome;
  const pid = Number(await readFile(join(dir, "pid"), "utf8"));
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test("passes on what a hook writes after its signal has aborted, up to a last line without an end", async () => {
  await writeHook(
    "undo",
    "trap 'sleep 0.2; echo undone; printf bye; exit 0' TERM; echo begun; sleep 60 & wait",
  );
  const { hooks, lines } = runner();
  const stop = new AbortController();
  const run = hooks.run("undo", { env, signal: stop.signal });
  const outcome = expect(run).rejects.toThrow("enough");
  await expect.poll(() => lines).toContain("undo stdout begun");
  stop.abort(new Error("enough"));
  await outcome;
  await expect.poll(() => lines.slice(1)).toEqual(["undo stdout undone", "undo stdout bye"]);
});

test("does not wait for what a hook leaves running", async () => {
  await writeHook("leave", `sleep 60 & echo $! > ${dir}/pid`);
  const { hooks } = runner();
  await hooks.run("leave", { env });
  const pid = Number(await readFile(join(dir, "pid"), "utf8"));
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, "SIGKILL");
});

/** A process that has ended but was not waited for by its new parent is not alive. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
  } catch {
    return false;
  }
}

test("runs a hook once, with its arguments, when its file is open for writing at first", async () => {
  await writeHook("edited", 'echo "ran $1"');
  const { hooks, lines } = runner();
  const writer = await open(join(dir, "edited"), "r+");
  const run = hooks.run("edited", { args: ["now"], env });
  await sleep(300);
  expect(lines).toEqual([]);
  await writer.close();
  expect(await run).toBeDefined();
  expect(lines).toEqual(["edited stdout ran now"]);
});

test("says why a hook can't be run that stays open for writing", async () => {
  await writeHook("edited", "exit 0");
  const { hooks } = runner();
  await using _writer = await open(join(dir, "edited"), "r+");
  const run = hooks.run("edited", { env, timeoutMs: 200 });
  await expect(run).rejects.toThrow(/hook edited can't be run: its file has been open for writing .*ETXTBSY/);
});

test("passes on everything that a hook wrote before its run resolves, with a busy event loop", async () => {
  await writeHook("talk", 'i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "$1 $i"; done; echo "$1 last" >&2');
  const { hooks, lines } = runner();
  let busy = true;
  const blockEvery = (): void => {
    const until = performance.now() + 20;
    while (performance.now() < until);
    if (busy) setTimeout(blockEvery, 1);
  };
  blockEvery();
  const missing: string[] = [];
  for (let round = 0; round < 10; round += 1) {
    const runs = Array.from({ length: 8 }, async (_, each) => {
      const name = `${round}.${each}`;
      await hooks.run("talk", { args: [name], env });
      if (!lines.includes(`talk stdout ${name} 50`)) missing.push(`${name} stdout`);
      if (!lines.includes(`talk stderr ${name} last`)) missing.push(`${name} stderr`);
    });
    await Promise.all(runs);
  }
  busy = false;
  expect(missing).toEqual([]);
});

test("does not wait for a process that a hook leaves behind and that goes on writing to its output", async () => {
  await writeHook(
    "leave",
    `(trap 'exit 0' TERM; while :; do echo more; done) & echo $! >${dir}/pid; echo done`,
  );
  const { hooks, lines } = runner();
  await hooks.run("leave", { env });
  expect(lines).toContain("leave stdout done");
  process.kill(Number(await readFile(join(dir, "pid"), "utf8")));
});

test.each(["../out", "a/b", "..", ".", ""])(
  "refuses %j, which is no name of a file in the folder",
  async (name) => {
    await expect(runner().hooks.run(name, { env })).rejects.toThrow(TypeError);
  },
);

test("says of a run how long it took and what it wrote last, also when it failed", async () => {
  await writeHook("talk", 'for i in $(seq 30); do echo "line $i"; done; exit "$CODE"');
  const { hooks } = runner();
  const last = Array.from({ length: 20 }, (_, index) => `line ${index + 11}`);
  const run = await hooks.run("talk", { env: { ...env, CODE: "0" } });
  expect(run?.lastLines).toEqual(last);
  expect(run?.durationMs).toBeGreaterThan(0);
  const failing = hooks.run("talk", { env: { ...env, CODE: "4" } });
  await expect(failing).rejects.toMatchObject({ failure: { kind: "exit", code: 4 }, lastLines: last });
});

test("starts a hook in a folder, with an input", async () => {
  await writeHook("read", "pwd; cat");
  const { hooks, lines } = runner();
  await hooks.run("read", { env, cwd: "/", input: "from outside\n" });
  expect(lines).toEqual(["read stdout /", "read stdout from outside"]);
});

test.each([
  ["its signal aborts", () => ({ signal: AbortSignal.timeout(300) }), /timeout/i],
  ["its time is over", () => ({ timeoutMs: 300 }), /took longer than 300 ms/],
])("waits until a hook that ignores SIGTERM is gone, and kills it, when %s", async (_, ending, why) => {
  await writeHook("stay", "trap '' TERM; echo $$; while :; do sleep 0.05; done");
  const { hooks, lines } = runner();
  await expect(hooks.run("stay", { env, killAfterMs: 200, ...ending() })).rejects.toThrow(why);
  const pid = Number(lines[0]?.split(" ").at(-1));
  expect(pid).toBeGreaterThan(1);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("a hook that ends at SIGTERM is not killed", async () => {
  await writeHook("tidy", "trap 'echo tidied; exit 0' TERM; while :; do sleep 0.05; done");
  const { hooks, lines } = runner();
  await expect(hooks.run("tidy", { env, killAfterMs: 30_000, timeoutMs: 300 })).rejects.toThrow(
    "took longer",
  );
  expect(lines).toContain("tidy stdout tidied");
});

test("runs a whole folder in the order of its names, up to the first that fails", async () => {
  await writeHook("20-second", "echo 2");
  await writeHook("10-first", "echo 1");
  await writeFile(join(dir, ".hidden"), "no hook");
  const { hooks, lines } = runner();
  expect([...(await hooks.runAll({ env })).keys()]).toEqual(["10-first", "20-second"]);
  expect(lines).toEqual(["10-first stdout 1", "20-second stdout 2"]);
  await writeHook("15-broken", "exit 1");
  await expect(hooks.runAll({ env })).rejects.toMatchObject({ hook: "15-broken" });
  expect(lines.slice(2)).toEqual(["10-first stdout 1"]);
});
