import { type GroupView, readGroup } from "@msdha/group";
import { CALL_MS, type OpenGroup } from "../context.ts";

/** Reads the whole group once, at one revision. */
export function readView({ client, group }: OpenGroup): Promise<GroupView> {
  return readGroup(client, group, { timeoutMs: CALL_MS });
}
