import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createHookGroup } from "./hook-node.ts";
import { expectSuccess } from "./stages.ts";

/** Resolves with the version of the programs that the hooks find. */
export async function findVersion(): Promise<number> {
  await using group = await createHookGroup();
  const node = group.node("a");
  expectSuccess(await node.hook("pre_start"));
  return Number(readFileSync(join(node.data, "PG_VERSION"), "utf8"));
}
