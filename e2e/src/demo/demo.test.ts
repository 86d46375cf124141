import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("main.ts", import.meta.url));

function demo(...args: readonly string[]) {
  return execa(process.execPath, ["--conditions=@msdha/source", program, ...args], { reject: false });
}

describe.concurrent("the demo", () => {
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
