import { expect } from "vitest";
import type { HookGroup, HookNode } from "./hook-node.ts";

/** Brings up the group's first node, as its master. */
export async function startFirst(group: HookGroup, name: string, user?: string): Promise<HookNode> {
  const node = group.node(name);
  const { exitCode, output } = await node.hook("pre_start");
  expect({ exitCode, output }).toEqual({
    exitCode: 0,
    output: `initialising the group's data in ${node.data}`,
  });
  await becomeReady(node);
  await promote(group, node, user);
  return node;
}

/** Brings up a node beside a master. */
export async function joinGroup(group: HookGroup, name: string): Promise<HookNode> {
  const node = group.node(name);
  expect(await node.hook("pre_start")).toEqual({ exitCode: 0, output: expect.any(String) });
  await becomeReady(node);
  return node;
}

/** Starts the server and waits until it may be promoted. */
export async function becomeReady(
  node: HookNode,
  { master, group }: { readonly master?: string | undefined; readonly group?: HookGroup } = {},
): Promise<void> {
  group?.setMaster(master);
  node.start();
  expect(await node.hook("running_not_ready")).toEqual({ exitCode: 0, output: expect.any(String) });
}

/** Makes it the master. */
export async function promote(group: HookGroup, node: HookNode, user?: string): Promise<void> {
  group.setMaster(node.name);
  expect(await node.hook("master")).toEqual({ exitCode: 0, output: expect.any(String) });
  expect(await node.sql("SELECT pg_is_in_recovery()", user)).toBe("f");
}
