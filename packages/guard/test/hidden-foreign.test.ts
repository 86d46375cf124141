import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSetuidProgram, type TempDir, tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import type { StartedGuard } from "../src/index.ts";
import { startAs, users } from "./as-user.ts";
import { buildGuard, killNow, type Mark, mark, program } from "./support.ts";

beforeAll(buildGuard);

const isRoot = process.geteuid?.() === 0;
const because = isRoot ? "" : " (skipped: needs root)";

/** Starts so many programs of the guard's own user. */
async function startCrowd(guard: StartedGuard, { env }: Mark, folder: TempDir, count: number) {
  const file = join(folder.path, "crowd");
  execFileSync("cc", ["-O1", "-static", "-o", file, program("crowd.c")]);
  let output = "";
  await guard.spawn(file, [String(count)], {
    env,
    cwd: "/",
    output: "pipe",
    onOutput: (_, chunk) => {
      output += chunk;
    },
  });
  await waitFor(() => output.includes("all there"), { what: "the crowd" });
}

/** Starts a program that becomes root's, below a shell, and returns its pid. */
async function startForeign(guard: StartedGuard, { env }: Mark, folder: TempDir): Promise<number> {
  const script = `${makeSetuidProgram(folder.path)} sleep 60 & echo $!; wait`;
  return await firstNumber(guard, env, ["sh", "-c", script]);
}

/** The guard's end waits for what it may not kill. */
function killAtEnd(pid: number): Disposable {
  return { [Symbol.dispose]: () => killNow(pid) };
}

async function firstNumber(guard: StartedGuard, env: NodeJS.ProcessEnv, [file = "", ...args]: string[]) {
  let output = "";
  await guard.spawn(file, args, {
    env,
    cwd: "/",
    output: "pipe",
    onOutput: (_, chunk) => {
      output += chunk;
    },
  });
  await waitFor(() => output.includes("\n"), { what: "the pid" });
  return Number(output);
}

/** A guard that has room for so few processes in its lists. */
function buildSmallGuard(folder: TempDir, room: number): string {
  const file = join(folder.path, "small-guard");
  const sources = fileURLToPath(new URL("../c/", import.meta.url));
  const compile = `cc -std=gnu11 -D_GNU_SOURCE -DROOM=${room} -pthread -O1 -static -o ${file} ${sources}*.c`;
  execFileSync("sh", ["-c", compile]);
  return file;
}

const unprotected = { noNewPrivileges: false } as const;

describe(`where /proc hides other users' processes from the guard${because}`, { skip: !isRoot }, () => {
  test.each([
    ["invisible", 1],
    ["noaccess", 1],
    ["ptraceable", 1],
    ["invisible", 400],
    ["noaccess", 400],
  ])("hidepid=%s: a program of another user is not overlooked among %i more", async (hidepid, others) => {
    using marked = mark();
    await using folder = tempDir();
    const { guard } = await startAs(users.otherWithCapabilities, folder, { ...unprotected, hidepid });
    await using _guard = guard;
    await startCrowd(guard, marked, folder, others);
    expect(await guard.survey()).toMatchObject({ reached: others, denied: 0 });
    const pid = await startForeign(guard, marked, folder);
    using _foreign = killAtEnd(pid);
    await waitFor(async () => (await guard.survey()).denied === 1, { what: "the denial" });
    expect(await guard.survey()).toMatchObject({
      reached: others + 1,
      someDenied: [{ pid, name: "(hidden)" }],
    });
    await expect(guard.killAll()).rejects.toMatchObject({ processes: [{ pid, name: "(hidden)" }] });
    expect(await guard.signalAll("SIGKILL")).toMatchObject({ denied: 1 });
    killNow(pid);
    await guard.gone();
  });

  test("what is below a program that it may not look into counts as denied", async () => {
    using marked = mark();
    await using folder = tempDir();
    const { guard } = await startAs(users.otherWithCapabilities, folder, {
      ...unprotected,
      hidepid: "invisible",
    });
    await using _guard = guard;
    const file = makeUnreadableShell(folder);
    const script = `${makeSetuidProgram(folder.path)} sleep 60 & echo $!; wait`;
    const pid = await firstNumber(guard, marked.env, [file, "-c", script]);
    using _foreign = killAtEnd(pid);
    await waitFor(async () => (await guard.survey()).denied > 0, { what: "the denial" });
    expect((await guard.survey()).someDenied).toMatchObject([{ name: "(unseen)" }]);
  });

  test("it counts as reached where nothing can become another user's", async () => {
    using marked = mark();
    await using folder = tempDir();
    const { guard } = await startAs(users.other, folder, { noNewPrivileges: true, hidepid: "invisible" });
    await using _guard = guard;
    await firstNumber(guard, marked.env, [makeUnreadableShell(folder), "-c", "sleep 60 & echo $!; wait"]);
    expect(await guard.survey()).toMatchObject({ reached: 1, denied: 0 });
    expect(await guard.killAll()).toMatchObject({ killed: 2 });
  });

  test("a guard whose lists have no room for all says that it may not kill", async () => {
    using marked = mark();
    await using folder = tempDir();
    const small = { guard: buildSmallGuard(folder, 16), hidepid: "invisible" };
    const { guard } = await startAs(users.otherWithCapabilities, folder, { ...unprotected, ...small });
    await using _guard = guard;
    await startCrowd(guard, marked, folder, 15);
    expect(await guard.survey()).toMatchObject({ reached: 15, denied: 0 });
    await startCrowd(guard, marked, folder, 15);
    for (const asked of [guard.survey(), guard.signalAll("SIGKILL")]) {
      expect(await asked).toMatchObject({ denied: 1, someDenied: [{ name: "(unseen)" }] });
    }
  });

  test("and one whose /proc hides nothing, or that can't start another user's, does not", async () => {
    using marked = mark();
    await using folder = tempDir();
    const small = buildSmallGuard(folder, 16);
    for (const how of [unprotected, { noNewPrivileges: true, hidepid: "invisible" }]) {
      const { guard } = await startAs(users.other, folder, { ...how, guard: small });
      await using _guard = guard;
      await startCrowd(guard, marked, folder, 30);
      expect(await guard.survey()).toMatchObject({ reached: 30, denied: 0 });
    }
  });
});

/** A shell that its user may execute and not read: nobody but root may see it in such a /proc. */
function makeUnreadableShell(folder: TempDir): string {
  const file = join(folder.path, "unseen-sh");
  execFileSync("cp", ["/bin/dash", file]);
  chmodSync(file, 0o711);
  return file;
}
