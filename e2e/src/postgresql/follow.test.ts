import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import {
  expectSuccess,
  joinGroup,
  logOf,
  partTimelines,
  promote,
  startFirst,
  takeConnections,
} from "./stages.ts";

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
    // It takes two statements to make a slot; what asks first says the reason.
    const line = /^no slot could be made on .* is asked again: (?:\S+ answers )?FATAL: .*$/;
    expect(await change).toEqual({ exitCode: 0, output: expect.stringMatching(line) });
  });

  test("says once why a new master has no slot for it, and gets one as soon as there is room", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    const all = "FROM generate_series(1, current_setting('max_replication_slots')::int) AS i";
    await b.sql(`SELECT pg_create_physical_replication_slot('other_' || i) ${all}`);
    await a.stop("SIGINT");
    await promote(group, b);
    expectSuccess(await c.hook("node_state_change", "PUT", "b", "master"));
    await waitFor(async () => (await b.sql("SELECT application_name FROM pg_stat_replication")) === "c", {
      what: "c to stream from b",
    });
    const ready = { MSDHA_STATE: "ready" };
    for (let looks = 0; looks < 2; looks += 1) expectSuccess(await c.hookWith(ready, "alive"));
    await b.sql(`SELECT pg_drop_replication_slot('other_' || i) ${all}`);
    await waitFor(
      async () => {
        expectSuccess(await c.hookWith(ready, "alive"));
        return (
          (await b.sql(
            "SELECT count(*) FROM pg_replication_slots WHERE active AND slot_name LIKE 'msdha%'",
          )) === "1"
        );
      },
      { what: "c to use a slot", intervalMs: 500 },
    );
    const reason =
      /no slot could be made on 127\.[\d.]+, .* is asked again: all replication slots are in use$/gm;
    expect(logOf(c).match(reason)).toHaveLength(1);
    expect(logOf(c)).toMatch(/has a replication slot on the master now$/m);
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
