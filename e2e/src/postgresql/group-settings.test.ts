import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, logOf, promote, startFirst } from "./stages.ts";

function settingsFile(node: HookNode, text: string): string {
  const file = join(node.runDir, "our.conf");
  writeFileSync(file, text);
  return file;
}

describe.concurrent("settings of a PostgreSQL group", () => {
  test("are taken over by each node, and say which of them wait for a restart", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const text = "# ours\nwork_mem = 16MB\nmax_connections = 120\n";
    const given = await a.command("settings", settingsFile(a, text));
    expect(given).toEqual({
      exitCode: 0,
      output: "the group has 2 settings now: each node takes them over within 30 s",
    });
    expect(await b.command("settings")).toEqual({ exitCode: 0, output: text.trimEnd() });
    for (const node of [a, b]) {
      expectSuccess(await node.hook("alive"));
      await waitFor(async () => (await node.sql("SHOW work_mem")) === "16MB", { what: "the new work_mem" });
      await waitFor(
        async () => /a restart is needed for max_connections$/.test((await node.hook("report")).output),
        {
          what: "the note",
        },
      );
    }

    // A restart of one after the other, the master last: here it is a.
    await b.stop("SIGINT");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    expect(await b.sql("SHOW max_connections")).toBe("120");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    await promote(group, b);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expect(await a.sql("SHOW max_connections")).toBe("120");

    // What a standby can't start with stays, and a new node has the settings at once.
    expectSuccess(await b.command("settings", settingsFile(b, "max_connections = 50\nwork_mem = 8MB")));
    await a.stop("SIGINT");
    expect((await a.hook("pre_start")).output).toMatch(
      /max_connections stays 120: a standby does not start with less than its master had/,
    );
    await becomeReady(a);
    expect(await a.sql("SHOW work_mem")).toBe("8MB");
    const c = await joinGroup(group, "c");
    expect(await c.sql("SHOW work_mem")).toBe("8MB");
  });

  test("are refused with one line, and those of before stay", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    expectSuccess(await a.command("settings", settingsFile(a, "work_mem = 16MB")));
    for (const [text, line] of [
      ["port = 1", "line 1: port is set by MSDHA, and can't be a setting of the group"],
      [
        "wrok_mem = 1MB",
        'PostgreSQL refuses these settings: unrecognized configuration parameter "wrok_mem"',
      ],
      [
        "work_mem = much",
        'PostgreSQL refuses these settings: invalid value for parameter "work_mem": "much"',
      ],
    ] as const) {
      const { exitCode, output } = await a.command("settings", settingsFile(a, text));
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: line });
    }
    const { exitCode, output } = await b.command("settings", settingsFile(b, "work_mem = 1MB"));
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: "can't write postgresql-settings: only the master may put a value",
    });
    expect((await a.command("settings", "/nowhere")).exitCode).not.toBe(0);
    expect(group.value("postgresql-settings")).toBe("work_mem = 16MB\n");
    // Whoever wrote something else into etcd has no server that does not start.
    group.setValue("postgresql-settings", "port = 1");
    await b.stop("SIGINT");
    expect((await b.hook("pre_start")).output).toMatch(
      /the group's settings of PostgreSQL are not taken over: line 1: port is set by MSDHA/,
    );
    await becomeReady(b);
    expect(logOf(b)).not.toMatch(/took over/);
  });
});
