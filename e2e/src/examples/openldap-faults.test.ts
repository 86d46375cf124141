import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import type { TestNode } from "../support/node.ts";
import type { ExampleGroup } from "./hooks-group.ts";
import {
  add,
  addPerson,
  entries,
  lacksPersons,
  startFirstOpenldap,
  startWholeOpenldap,
} from "./openldap-group.ts";

describe("the OpenLDAP example, when something goes wrong", () => {
  test("promotes no node that was away while the master that was stopped was alone", async () => {
    await using group = await startFirstOpenldap();
    const { first } = group;
    const second = group.start(1);
    await group.whole();
    second.stop();
    await second.exited();
    await add(group, 2, 0);
    first.stop();
    await first.exited();
    const late = group.start(1);
    await late.logged(/the last master was at/, 60_000);
    group.start(0);
    await waitFor(async () => (await entries(group, 1)).join() === "1,2", {
      what: "the late node to have all",
      timeoutMs: 40_000,
    });
  }, 180_000);

  test("promotes no node that could not apply what the master wrote", async () => {
    await using group = await startFirstOpenldap(lacksPersons);
    const { first } = group;
    const second = group.start(1);
    await group.whole();
    await addPerson(group, 2, 0);
    const ends = async (): Promise<string> => (await group.group.keys())["_value/end"] ?? "";
    const before = await ends();
    await waitFor(async () => (await ends()) > before, {
      what: "the position of the master",
      timeoutMs: 40_000,
    });
    first.child.send("SIGKILL");
    await first.exited();
    await second.logged(/the last master was at/, 60_000);
    group.start(0);
    await waitFor(async () => (await entries(group).catch(() => [])).join() === "1,2", {
      what: "the former master to have all",
      timeoutMs: 40_000,
    });
    expect(await group.group.master()).toBe("n1");
  }, 180_000);

  test("prefers a node that applies to one that is as far and does not", async () => {
    await using group = await startFirstOpenldap(lacksPersons);
    const { first } = group;
    group.start(1);
    const third = group.start(2);
    await group.whole();
    // The third node follows nobody until its alive hook runs next, and so lacks the same as the second, which can't apply it.
    await followNobody(third);
    await addPerson(group, 2, 0);
    first.child.send("SIGKILL");
    await first.exited();
    expect(await group.masterAmong(group.nodes.slice(1))).toBe(third);
  }, 180_000);

  test("follows the new master though its hook for that has failed", async () => {
    await using group = await startWholeOpenldap();
    for (const index of [0, 1, 2]) breakHook(group, index);
    const master = await group.masterAmong(group.nodes);
    const others = [0, 1, 2].filter((index) => group.nodes[index] !== master);
    master.stop();
    await master.exited();
    await group.masterAmong(others.flatMap((index) => group.nodes[index] ?? []));
    await waitFor(() => add(group, 1).catch(() => undefined), { what: "a write", timeoutMs: 40_000 });
    for (const index of others) {
      await waitFor(async () => (await entries(group, index)).includes(1), {
        what: `node ${index} to have it`,
        timeoutMs: 40_000,
      });
    }
  }, 180_000);
});

async function followNobody(node: TestNode): Promise<void> {
  const input = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\ndelete: olcSyncrepl\n";
  const socket = `ldapi://${encodeURIComponent(join(node.runDir, "ldapi"))}`;
  await execa("ldapmodify", ["-Q", "-Y", "EXTERNAL", "-H", socket], { input });
}

/** As if the new master could not be asked at that moment. */
function breakHook(group: ExampleGroup, index: number): void {
  const hook = join(group.group.dir, `hooks-${index + 1}`, "node_state_change");
  writeFileSync(`${hook}.new`, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  renameSync(`${hook}.new`, hook);
}
