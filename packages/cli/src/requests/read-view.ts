import { type GroupView, readGroup } from "@msdha/group";
import { CALL_MS, type OpenGroup } from "../context.ts";

/** Reads the whole group once, at one revision. Rejects with the reason of the command's signal. */
export function readView({ client, group, signal }: OpenGroup): Promise<GroupView> {
  return readGroup(client, group, { timeoutMs: CALL_MS, signal });
}
