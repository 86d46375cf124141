import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { type Guard, type GuardedProcess, startGuard } from "../src/index.ts";
import { buildGuard, type Mark, mark } from "./support.ts";

beforeAll(buildGuard);

/** A program that writes what it gets, and goes on; its name is its first argument. */
const counting = (folder: string): string => `
  count() { name=$1; trap 'echo $name >> ${folder}/got' TERM; : > ${folder}/$name; while :; do sleep 0.02; done; }`;

async function start(guard: Guard, { env }: Mark, folder: string, body: string): Promise<GuardedProcess> {
  return await guard.spawn("sh", ["-c", `${counting(folder)}\n${body}`], { env, output: "inherit" });
}

const there = (folder: string, name: string): Promise<boolean> =>
  waitFor(() => existsSync(join(folder, name)), { what: `${name} to run` });

function got(folder: string): readonly string[] {
  const file = join(folder, "got");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean).sort() : [];
}

describe("signalOrphans()", () => {
  test("reaches the server of a wrapper that ended, once, and nothing that has its parent", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const body = "( (count worker) & count server ) & count wrapper";
    const wrapper = await start(guard, marked, folder.path, body);
    for (const name of ["server", "worker", "wrapper"]) await there(folder.path, name);
    guard.signalOrphans("SIGTERM");
    await guard.survey();
    expect(got(folder.path)).toEqual([]);
    wrapper.kill("SIGKILL");
    await waitFor(() => got(folder.path).length > 0, { what: "the orphan to get its signal" });
    guard.signalOrphans("SIGTERM");
    await guard.survey();
    expect(got(folder.path).filter((name) => name === "server")).toEqual(["server"]);
    expect(got(folder.path)).not.toContain("worker");
  });

  test("reaches the children of a process that keeps the signal to itself, and not that process", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const wrapper = await start(guard, marked, folder.path, "(count server) & count wrapper");
    for (const name of ["server", "wrapper"]) await there(folder.path, name);
    guard.signalOrphans("SIGTERM", { childrenOf: wrapper.pid });
    await waitFor(() => got(folder.path).length > 0, { what: "the child to get its signal" });
    guard.signalOrphans("SIGTERM", { childrenOf: wrapper.pid });
    await guard.survey();
    expect(got(folder.path)).toEqual(["server"]);
  });

  test("sends SIGTERM to what ignores the signal, as a shell has its background ignore SIGINT", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const wrapper = await start(guard, marked, folder.path, "sleep 60 & count wrapper");
    await there(folder.path, "wrapper");
    wrapper.kill("SIGKILL");
    await wrapper.exited;
    guard.signalOrphans("SIGINT");
    await guard.gone();
    expect(marked.alive()).toEqual([]);
  });

  test("leaves alone what is started after everything was gone", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    guard.signalOrphans("SIGTERM");
    await guard.gone();
    const wrapper = await start(guard, marked, folder.path, "(count late) & count wrapper");
    await there(folder.path, "late");
    wrapper.kill("SIGKILL");
    await wrapper.exited;
    await guard.survey();
    expect(got(folder.path)).toEqual([]);
  });

  test("refuses a signal that does not exist", async () => {
    await using guard = await startGuard();
    expect(() => guard.signalOrphans("SIGNONE" as NodeJS.Signals)).toThrow(TypeError);
  });
});
