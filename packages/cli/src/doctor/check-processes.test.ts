import { describe, expect, test } from "vitest";
import { expectFinding } from "../../test/expect-finding.ts";
import { checkProcesses } from "./check-processes.ts";
import { listProcesses } from "./list-processes.ts";

describe("the processes of a node", () => {
  const root = { users: [0, 0, 0], maySignalAll: true } as const;
  const own = { users: [1000, 1000, 1000], maySignalAll: false } as const;
  const other = { users: [999, 999, 999], maySignalAll: false } as const;
  const supervisor = { pid: 7, parent: 1, command: "node --flag /opt/msdha/dist/msdha-backend.mjs", ...own };
  const guard = { pid: 8, parent: 7, command: "msdha-guard", ...own };
  const program = { pid: 9, parent: 8, command: "postgres", ...own };

  test("that it may signal", () => {
    expect(checkProcesses([supervisor, guard, program])).toEqual([
      { level: "ok", what: "the node here (process 7) may signal all 2 processes that it runs" },
    ]);
    expect(checkProcesses([{ ...supervisor, ...root }, guard, { ...program, ...other }])[0]?.level).toBe(
      "ok",
    );
    const elsewhere = { pid: 20, parent: 1, command: "sshd", ...other };
    expect(checkProcesses([supervisor, guard, program, elsewhere])[0]?.level).toBe("ok");
    expect(checkProcesses([program, elsewhere])).toEqual([]);
  });

  test("that it may not signal", () => {
    const child = { pid: 10, parent: 9, command: "helper", ...other };
    expectFinding(
      checkProcesses([supervisor, guard, program, child]),
      "error",
      /may not signal what it runs: process 10 \(user 999\)/,
    );
  });

  test("are read from /proc", () => {
    const found = listProcesses().find(({ pid }) => pid === process.pid);
    expect(found).toMatchObject({
      parent: process.ppid,
      users: [process.getuid?.(), process.geteuid?.(), expect.any(Number)],
    });
    expect(listProcesses("/nowhere")).toEqual([]);
  });
});
