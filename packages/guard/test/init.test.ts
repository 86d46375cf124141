import { spawn } from "node:child_process";
import { once } from "node:events";
import { waitFor } from "@msdha/testkit";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { guardBinary } from "../src/index.ts";
import { buildGuard, isAlive, mark, parentOf, processesWhere, program, stateOf } from "./support.ts";

beforeAll(buildGuard);

/** Runs a program under the guard's program as process 1 of a namespace. */
function startContainer(env: NodeJS.ProcessEnv, ...command: readonly string[]) {
  const child = spawn("unshare", ["--pid", "--fork", "--mount-proc", guardBinary(), "--init", ...command], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    text.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    text.stderr += chunk;
  });
  return { child, text, ended: once(child, "close") as Promise<[number | null, string | null]> };
}

test("the first process of a container ends as its program does, and takes all else with it", async () => {
  using marked = mark();
  const script = `perl ${program("daemon.pl")} sleep 60; echo $$; exit 5`;
  const { ended, text } = startContainer(marked.env, "sh", "-c", script);
  expect(await ended).toEqual([5, null]);
  expect(text.stdout).toBe("2\n");
  expect(marked.alive()).toEqual([]);
});

test("the first process of a container reaps orphans", async () => {
  using marked = mark();
  const script = `for i in 1 2 3; do perl ${program("daemon.pl")} true; done; echo up; exec sleep 60`;
  const { child, text } = startContainer(marked.env, "sh", "-c", script);
  await waitFor(() => text.stdout === "up\n", { what: "the script" });
  const [first = 0] = processesWhere((pid) => parentOf(pid) === child.pid);
  await waitFor(() => processesWhere((pid) => parentOf(pid) === first).length === 1, {
    what: "orphans to be reaped",
  });
});

test("the first process of a container passes signals on", async () => {
  using marked = mark();
  const script = "trap 'echo got it; exit 0' TERM; echo up; while :; do sleep 0.05; done";
  const { child, text, ended } = startContainer(marked.env, "sh", "-c", script);
  await waitFor(() => text.stdout === "up\n", { what: "the trap" });
  const [first = 0] = processesWhere((pid) => parentOf(pid) === child.pid);
  process.kill(first, "SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(text.stdout).toBe("up\ngot it\n");
  expect(isAlive(first)).toBe(false);
});

test("the first process of a container has a program that is stopped go on, to end, when it passes SIGTERM on", async () => {
  using marked = mark();
  const script = "trap 'exit 3' TERM; echo up; kill -STOP $$; while :; do sleep 0.05; done";
  const { child, text, ended } = startContainer(marked.env, "sh", "-c", script);
  await waitFor(() => text.stdout === "up\n", { what: "the trap" });
  const [first = 0] = processesWhere((pid) => parentOf(pid) === child.pid);
  await waitFor(() => processesWhere((pid) => parentOf(pid) === first && stateOf(pid) === "T").length === 1, {
    what: "the program to be stopped",
  });
  process.kill(first, "SIGTERM");
  expect(await ended).toEqual([3, null]);
});

test("the first process of a container says what it cannot execute", async () => {
  using marked = mark();
  const { ended, text } = startContainer(marked.env, "/no/such/program");
  expect(await ended).toEqual([127, null]);
  expect(text.stderr).toBe("msdha-guard: cannot execute /no/such/program: No such file or directory\n");
});

test("the first process of a container ends as its program does also where SIGCHLD was ignored before", async () => {
  const script = '$SIG{CHLD} = "IGNORE"; exec @ARGV';
  const child = spawn("perl", ["-e", script, guardBinary(), "--init", "sh", "-c", "exit 5"], {
    stdio: "ignore",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  expect(await once(child, "close")).toEqual([5, null]);
});
