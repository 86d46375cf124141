import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("main.ts", import.meta.url));

function demo(...args: readonly string[]) {
  return execa(process.execPath, ["--conditions=@msdha/source", program, ...args], { reject: false });
}

// One after the other, as a demo keeps two processors busy, and repeats what a machine that is too busy has spoiled.
describe("the demo", { timeout: 300_000 }, () => {
  test("prints one object, loses no row, refuses no connection, and leaves nothing behind", async () => {
    const { exitCode, stdout, stderr } = await demo(
      "--json",
      "--ttl",
      "2",
      "--events",
      "planned-stop,main-crash",
    );
    expect(exitCode, stderr).toBe(0);
    const figures = { gapMs: expect.any(Number), acknowledgedRows: expect.any(Number) };
    expect(JSON.parse(stdout)).toEqual({
      ttlSeconds: 2,
      coldStartMs: expect.any(Number),
      events: [
        { kind: "planned-stop", refusedConnections: 0, missingRows: 0, ...figures },
        {
          kind: "main-crash",
          refusedConnections: expect.any(Number),
          missingRows: expect.any(Number),
          ...figures,
        },
      ],
    });
    await expectNothingLeft(stderr);
  });

  test("repeats an event in which the group lost its master besides, as on a machine that is too busy", async () => {
    const running = demo("--json", "--events", "planned-stop");
    let output = "";
    running.stderr.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await waitFor(() => /is the master and takes rows/.test(output), {
      ...{ what: "the next master", timeoutMs: 90_000 },
    });
    const [group = 0] = await childrenOf(running.pid ?? 0, "group-process");
    const members = await childrenOf(group, "etcd");
    expect(members.length).toBeGreaterThan(0);
    for (const pid of members) process.kill(pid, "SIGSTOP");
    // Longer than the group's TTL, so that every lease is lost.
    await sleep(6_000);
    for (const pid of members) process.kill(pid, "SIGCONT");
    const { exitCode, stdout, stderr } = await running;
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/the master changed once more: .*; planned-stop again/);
    const { events } = JSON.parse(stdout) as { events: readonly unknown[] };
    expect(events).toEqual([expect.objectContaining({ kind: "planned-stop", refusedConnections: 0 })]);
  });

  test("leaves nothing behind when it is interrupted", async () => {
    const running = demo();
    let output = "";
    running.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await waitFor(() => /the first row was acknowledged/.test(output), {
      ...{ what: "the group's first row", timeoutMs: 60_000 },
    });
    running.kill("SIGINT");
    const { exitCode, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: "script/demo: interrupted" });
    await expectNothingLeft(output);
  });

  test("says in one line what is wrong with its arguments", async () => {
    const { exitCode, stdout, stderr } = await demo("--events", "earthquake");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(1);
  });
});

/** The children of a process whose command line has a text in it. */
async function childrenOf(parent: number, text: string): Promise<readonly number[]> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
  const found: number[] = [];
  for (const pid of children.split(" ").filter(Boolean).map(Number)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes(text)) found.push(pid);
  }
  return found;
}

async function expectNothingLeft(output: string): Promise<void> {
  const folder = /\S*\/msdha-demo-\w+/.exec(output)?.[0] ?? "";
  expect(folder).not.toBe("");
  expect(existsSync(folder)).toBe(false);
  const left: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes(folder)) left.push(command);
  }
  expect(left).toEqual([]);
}
