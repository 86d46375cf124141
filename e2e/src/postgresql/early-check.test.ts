import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { expectSuccess, hookProcesses, joinGroup, signalHelper, startFirst } from "./stages.ts";

const TOKEN = "1";
/** With it a `stopped` that starts a program fails. */
const NO_PROGRAM = { MSDHA_NODE: "/nonexistent/node" };

const checkedEnd = (node: HookNode): string => join(node.runDir, "postgresql", "checked-end");

/** As the guard does when the main process has ended. */
async function endHelper(node: HookNode): Promise<void> {
  signalHelper(node, "SIGINT");
  await waitFor(() => hookProcesses(node, "pre_start").length === 0, { what: "the helper to end" });
}

describe.concurrent("the end of a PostgreSQL master", () => {
  test("is checked by the helper, so that stopped starts no program", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    await endHelper(a);
    expect(readFileSync(checkedEnd(a), "utf8")).toBe(`${TOKEN}\n`);
    expect(await a.hookWith(NO_PROGRAM, "stopped")).toEqual({ exitCode: 0, output: "" });
    // What was checked was the end of that master only.
    const later = await a.hookWith({ ...NO_PROGRAM, MSDHA_FENCING_TOKEN: "2" }, "stopped");
    expect(later.exitCode).not.toBe(0);
    expect(await a.hookWith({ MSDHA_FENCING_TOKEN: "2" }, "stopped")).toEqual({ exitCode: 0, output: "" });
  });

  test("is checked by stopped where the helper was asked to end before the server had", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    expectSuccess(await a.hook("pre_stop"));
    await endHelper(a);
    await a.stop("SIGINT");
    expect(existsSync(checkedEnd(a))).toBe(false);
    expect((await a.hookWith(NO_PROGRAM, "stopped")).exitCode).not.toBe(0);
    expect(await a.hook("stopped")).toEqual({ exitCode: 0, output: "" });
  });

  test("is refused by stopped where no standby has everything", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    await a.sql("CREATE TABLE not_on_b AS SELECT 1");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    await endHelper(a);
    expect(existsSync(checkedEnd(a))).toBe(false);
    expect((await a.hook("stopped")).output).toMatch(
      /^no ready standby has received everything: no hand-over/,
    );
  });

  test("is checked anew in the next stop", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    writeFileSync(checkedEnd(a), `${TOKEN}\n`);
    expectSuccess(await a.hook("pre_stop"));
    expect(existsSync(checkedEnd(a))).toBe(false);
    writeFileSync(checkedEnd(a), `${TOKEN}\n`);
    await a.stop("SIGINT");
    expectSuccess(await a.hook("pre_start"));
    expect(existsSync(checkedEnd(a))).toBe(false);
  });

  test("starts no program where there is nothing to check", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.stop("SIGKILL");
    expect(await a.hookWith(NO_PROGRAM, "stopped")).toEqual({ exitCode: 0, output: "" });
    const withoutLock = { ...NO_PROGRAM, MSDHA_FENCING_TOKEN: undefined };
    expect(await a.hookWith(withoutLock, "stopped")).toEqual({ exitCode: 0, output: "" });
  });
});
