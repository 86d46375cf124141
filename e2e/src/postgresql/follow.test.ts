import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { joinGroup, partTimelines, promote, startFirst, takeConnections } from "./stages.ts";

describe.concurrent("a PostgreSQL standby", () => {
  test("follows a new master whose connections clients have taken", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await a.stop("SIGINT");
    await promote(group, b);
    await takeConnections(b);
    const change = c.hook("node_state_change", "PUT", "b", "master");
    await waitFor(async () => (await b.sql("SELECT application_name FROM pg_stat_replication")) === "c", {
      what: "c to stream from b",
    });
    expect(await change).toEqual({ exitCode: 0, output: "" });
  });

  test("finds that such a master has another history, and does not follow it", async () => {
    await using group = await createHookGroup();
    const { c, d } = await partTimelines(group);
    await takeConnections(c);
    const change = await d.hook("node_state_change", "PUT", "c", "master");
    expect(change.output).toMatch(/the data hold records that c does not have/);
    await d.ended;
    expect(follows(d)).toBe(group.node("b").address);
  });

  test("follows nobody until a master that does not answer has told of its history", async () => {
    await using group = await createHookGroup();
    const { c, d } = await partTimelines(group);
    await using frozen = new AsyncDisposableStack();
    await c.signalServer("SIGSTOP");
    frozen.defer(() => c.signalServer("SIGCONT"));
    const change = d.hook("node_state_change", "PUT", "c", "master");
    await waitFor(() => follows(d) !== group.node("b").address, { what: "d to follow b no more" });
    expect(follows(d)).toBe("");
    await frozen.disposeAsync();
    expect((await change).output).toMatch(
      /following nobody until c .*\n(.*\n)*the data hold records that c does not have/,
    );
    await d.ended;
    expect(follows(d)).toBe("");
  });
});

/** The address of the master that its settings name. */
function follows(node: HookNode): string | undefined {
  return /^# Follows: (.*)$/m.exec(readFileSync(join(node.data, "msdha.conf"), "utf8"))?.[1];
}
