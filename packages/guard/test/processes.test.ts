import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { type Guard, startGuard } from "../src/index.ts";
import { buildGuard, isAlive, mark, parentOf, processesWhere, program, stateOf } from "./support.ts";

beforeAll(buildGuard);

const env = { PATH: process.env["PATH"] };

const listFiles: [string, ...string[]] = [
  "perl",
  "-e",
  'for (glob "/proc/$$/fd/*") { my $to = readlink; s/.*\\///; print "$_ $to\\n" if $to }',
];

/** Runs a program to its end. */
async function run(
  guard: Guard,
  [file, ...args]: [string, ...string[]],
  options: { cwd?: string; env?: Record<string, string | undefined> } = {},
): Promise<{ stdout: string; stderr: string; code: number | null; signal: string | null }> {
  const text = { stdout: "", stderr: "" };
  const started = await guard.spawn(file, args, {
    env,
    output: "pipe",
    onOutput: (stream, chunk) => {
      text[stream] += chunk;
    },
    ...options,
  });
  return { ...(await started.exited), ...text };
}

describe("a started process", () => {
  test("has the environment, arguments and working directory it was given, and nothing else", async () => {
    await using guard = await startGuard();
    const variables = { PATH: "/usr/bin:/bin", TWO: "2 words", EMPTY: "", NONE: undefined };
    const { stdout } = await run(
      guard,
      ["sh", "-c", 'env | sort; pwd; printf "<%s>" "$@"', "sh", "a b", "", "ü"],
      {
        cwd: "/usr",
        env: variables,
      },
    );
    expect(stdout.replace(/^PWD=.*\n/m, "")).toBe(
      "EMPTY=\nPATH=/usr/bin:/bin\nTWO=2 words\n/usr\n<a b><><ü>",
    );
  });

  test("is no program for another machine, whose bytes a shell would carry out", async () => {
    await using folder = tempDir();
    await using guard = await startGuard();
    const foreign = join(folder.path, "foreign");
    const bytes = await readFile(process.execPath).then((all) => all.subarray(0, 64));
    bytes.writeUInt16LE(0xffff, 18); // the machine that it is for
    await writeFile(foreign, Buffer.concat([bytes, Buffer.from(`\necho run >${folder.path}/run\n`)]));
    await chmod(foreign, 0o755);
    await expect(run(guard, [foreign])).rejects.toMatchObject({ errno: "ENOEXEC" });
    expect(await readdir(folder.path)).toEqual(["foreign"]);
  });

  test("is no script whose interpreter the kernel can't read, which a shell would carry out", async () => {
    await using folder = tempDir();
    await using guard = await startGuard();
    const script = join(folder.path, "script");
    for (const blanks of ["", " \t"]) {
      await writeFile(script, `#!${blanks}/${"x".repeat(300)}\necho run >${folder.path}/run\n`);
      await chmod(script, 0o755);
      await expect(run(guard, [script])).rejects.toMatchObject({ errno: "ENOEXEC" });
    }
    expect(await readdir(folder.path)).toEqual(["script"]);
    await writeFile(script, `#!/bin/sh ${" ".repeat(300)}\necho run\n`);
    expect((await run(guard, [script])).stdout).toBe("run\n");
  });

  test("may be a script that names no interpreter", async () => {
    await using folder = tempDir();
    await using guard = await startGuard();
    const script = join(folder.path, "script");
    await writeFile(script, 'echo "it is $1"\n');
    await chmod(script, 0o755);
    expect(await run(guard, [script, "run"])).toMatchObject({ stdout: "it is run\n", code: 0 });
  });

  test("works in the supervisor's own directory unless it is given one", async () => {
    await using guard = await startGuard();
    expect((await run(guard, ["pwd"])).stdout).toBe(`${process.cwd()}\n`);
  });

  test("has no open files but its outputs and an empty input", async () => {
    await using guard = await startGuard();
    const files = (await run(guard, listFiles)).stdout.trim().split("\n");
    const pipe = expect.stringMatching(/^[12] pipe:/);
    expect(files).toEqual(["0 /dev/null", pipe, pipe]);
    expect(await run(guard, ["cat"])).toMatchObject({ code: 0, stdout: "" });
  });

  test("has also the lock file, where no script looks for a descriptor of its own", async () => {
    await using folder = tempDir();
    const lockFile = join(folder.path, "lock");
    await using guard = await startGuard({ lockFile });
    const files = (await run(guard, listFiles)).stdout.trim().split("\n");
    expect(files.filter((line) => !/^[012] /.test(line))).toEqual([`100 ${lockFile}`]);
  });

  test("has the default signal handlers, nothing blocked, and a session and group of its own", async () => {
    await using guard = await startGuard();
    const { stdout } = await run(guard, ["cat", "/proc/self/status"]);
    for (const what of ["SigBlk", "SigIgn", "SigCgt"])
      expect(stdout).toMatch(new RegExp(`^${what}:\\t0+$`, "m"));
    const [pid, , , , group, session] = (await run(guard, ["cat", "/proc/self/stat"])).stdout.split(" ");
    expect([group, session]).toEqual([pid, pid]);
  });

  test("keeps the niceness of the supervisor", async () => {
    await using guard = await startGuard();
    const { stdout } = await run(guard, ["sh", "-c", "cut -d' ' -f19 /proc/$$/stat"]);
    const own = (await readFile("/proc/self/stat", "utf8")).replace(/^.*\) /, "").split(" ")[16];
    expect(stdout.trim()).toBe(own);
  });

  test("tells its exit code, or the signal that killed it", async () => {
    await using guard = await startGuard();
    expect(await run(guard, ["sh", "-c", "exit 7"])).toMatchObject({ code: 7, signal: null });
    expect(await run(guard, ["sh", "-c", "kill -USR1 $$"])).toMatchObject({ code: null, signal: "SIGUSR1" });
  });

  test("has given all of its own output before its exit is told, while what it left behind writes on", async () => {
    await using guard = await startGuard();
    let bytes = 0;
    const started = await guard.spawn("sh", ["-c", "(sleep 0.3; echo late) & head -c 60000 /dev/zero"], {
      env,
      output: "pipe",
      onOutput: (_, chunk) => {
        bytes += chunk.length;
      },
    });
    await started.exited;
    expect(bytes).toBe(60_000);
    await started.outputEnded;
    expect(bytes).toBe(60_005);
  });

  test("passes a large output on, byte for byte", async () => {
    await using guard = await startGuard();
    const { stdout } = await run(guard, ["sh", "-c", "seq 1 1000000"]);
    expect(stdout).toBe(Array.from({ length: 1_000_000 }, (_, i) => `${i + 1}\n`).join(""));
  });

  test("gets signals, and so does its whole group when that is asked for", async () => {
    await using guard = await startGuard();
    using marked = mark();
    const script = "trap 'echo got it; exit 3' USR1; sleep 60 & echo up; wait";
    let text = "";
    const options = {
      env: marked.env,
      output: "pipe" as const,
      onOutput: (_: string, chunk: Buffer) => {
        text += chunk;
      },
    };
    const one = await guard.spawn("sh", ["-c", script], options);
    await waitFor(() => text.includes("up"), { what: "the trap" });
    one.kill("SIGUSR1");
    expect(await one.exited).toEqual({ code: 3, signal: null });
    expect(marked.alive()).toHaveLength(1);
    one.kill("SIGKILL"); // does nothing any more

    text = "";
    const whole = await guard.spawn("sh", ["-c", script], options);
    await waitFor(() => text.includes("up"), { what: "the trap" });
    whole.kill("SIGKILL", { group: true });
    expect(await whole.exited).toEqual({ code: null, signal: "SIGKILL" });
    await whole.outputEnded;
    expect(marked.alive()).toHaveLength(1);
    expect(() => whole.kill("SIGNONE" as NodeJS.Signals)).toThrow(TypeError);
  });
});

describe("a program that cannot be executed", () => {
  test("is told with the step and the system's error", async () => {
    await using guard = await startGuard();
    await using folder = tempDir();
    const file = (name: string): string => join(folder.path, name);
    await writeFile(file("plain"), "#!/bin/sh\n");
    await writeFile(file("lost"), "#!/no/such/interpreter\n");
    await chmod(file("lost"), 0o755);

    const failure = (path: string, cwd?: string): Promise<unknown> => run(guard, [path], cwd ? { cwd } : {});
    await expect(failure(file("none"))).rejects.toMatchObject({
      code: "ERR_SPAWN_FAILED",
      step: "exec",
      errno: "ENOENT",
    });
    await expect(failure("no-such-program")).rejects.toMatchObject({ step: "exec", errno: "ENOENT" });
    await expect(failure(file("plain"))).rejects.toMatchObject({
      step: "exec",
      errno: "EACCES",
      file: file("plain"),
    });
    await expect(failure(folder.path)).rejects.toMatchObject({ step: "exec", errno: "EACCES" });
    await expect(failure(file("lost"))).rejects.toMatchObject({ step: "exec", errno: "ENOENT" });
    await expect(failure("true", file("none"))).rejects.toMatchObject({ step: "cwd", errno: "ENOENT" });
    await expect(run(guard, ["true", "x".repeat(5_000_000)])).rejects.toMatchObject({
      step: "exec",
      errno: "E2BIG",
    });
    await expect(run(guard, ["true", "x".repeat(500_000)])).rejects.toMatchObject({
      step: "exec",
      errno: "E2BIG",
    });
    await expect(run(guard, ["true", "a\0b"])).rejects.toThrow(TypeError);
    expect(guard.alive).toBe(0);
    await guard.gone();
  });

  test("but has no first line that names an interpreter is run by sh, as execvp does", async () => {
    await using guard = await startGuard();
    await using folder = tempDir();
    const file = join(folder.path, "bare");
    await writeFile(file, "echo $0\n");
    await chmod(file, 0o755);
    expect((await run(guard, [file])).stdout).toBe(`${file}\n`);
  });
});

test("many quick processes leave no zombie and no open file behind", async () => {
  await using guard = await startGuard();
  const before = (await readdir(`/proc/${guard.pids.inner}/fd`)).length;
  for (let round = 0; round < 10; round++) {
    const ends = await Promise.all(
      Array.from({ length: 30 }, () => run(guard, ["sh", "-c", "echo x; (exit 0) & exit 1"])),
    );
    expect(ends.every(({ code, stdout }) => code === 1 && stdout === "x\n")).toBe(true);
  }
  await guard.gone();
  expect(guard.alive).toBe(0);
  expect(processesWhere((pid) => parentOf(pid) === guard.pids.inner)).toEqual([]);
  await waitFor(async () => (await readdir(`/proc/${guard.pids.inner}/fd`)).length === before, {
    what: "closed files",
  });
});

test("an orphan is reaped", async () => {
  await using guard = await startGuard();
  const { stdout } = await run(guard, ["perl", program("daemon.pl"), "sh", "-c", "echo $$"]);
  await waitFor(() => stateOf(Number(stdout)) === undefined, { what: "the orphan to be reaped" });
});

test("disposing kills everything and ends the guard without calling it lost", async () => {
  using marked = mark();
  const guard = await startGuard();
  const { exited } = await guard.spawn("sh", ["-c", "trap '' TERM; sleep 60 & wait"], {
    env: marked.env,
    output: "inherit",
  });
  await guard[Symbol.asyncDispose]();
  expect(marked.alive()).toEqual([]);
  expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
  expect([guard.pids.outer, guard.pids.inner].filter(isAlive)).toEqual([]);
  expect(guard.lost.aborted).toBe(false);
  await guard.gone();
  await expect(guard.spawn("true", [], { env, output: "inherit" })).rejects.toMatchObject({
    code: "ERR_GUARD_LOST",
  });
  await expect(guard.setDeadline(undefined)).rejects.toMatchObject({ code: "ERR_GUARD_LOST" });
});
