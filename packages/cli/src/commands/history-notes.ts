import { CALL_MS, type OpenGroup } from "../context.ts";
import { parseNotes } from "../render/history-notes.ts";

/** Resolves with what the hooks of masters noted about their times, by token: see docs/etcd-keys.md. */
export async function readNotes(
  { client, keys }: Pick<OpenGroup, "client" | "keys">,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const found = await client.get(keys.value("history-notes"), { timeoutMs: CALL_MS, signal });
  return parseNotes(found?.value);
}
