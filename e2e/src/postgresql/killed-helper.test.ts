import { readFileSync } from "node:fs";
import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup, type HookNode, type HookResult } from "./hook-node.ts";
import { hookProcesses, signalHelper, startFirst } from "./stages.ts";

test("a hook that reaches a helper which is being killed is answered by another one, where it may be repeated", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  expect(await askWhileKilled(a, "report")).toEqual({ exitCode: 0, output: "0 no standby streams" });
  expect(await askWhileKilled(a, "alive")).toEqual({ exitCode: 0, output: "" });
  expect(await askWhileKilled(a, "master")).toEqual({
    exitCode: 1,
    output: "msdha-postgresql: the helper of this node ended before it had answered the hook master",
  });
  expect(await a.hook("report")).toEqual({ exitCode: 0, output: "0 no standby streams" });
});

/** Runs a hook whose question the helper has, and does not take any more. */
async function askWhileKilled(node: HookNode, hook: string): Promise<HookResult> {
  signalHelper(node, "SIGSTOP");
  const asked = node.hook(hook);
  await waitFor(() => hookProcesses(node, hook).some((pid) => waitsForAnswer(pid, hook)), {
    what: "the hook to ask",
  });
  signalHelper(node, "SIGKILL");
  return await asked;
}

/** The guard sleeps only when it has asked. */
function waitsForAnswer(pid: number, hook: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return (
      command.includes("\0--call-or\0") &&
      command.endsWith(`\0${hook}\0`) &&
      /\) S /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
    );
  } catch {
    return false; // It has ended.
  }
}
