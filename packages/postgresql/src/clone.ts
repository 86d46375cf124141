import { conninfo } from "./conninfo.ts";
import { type HookContext, writeOut } from "./context.ts";
import type { Master } from "./current-master.ts";
import { HookFailure, messageOf } from "./failure.ts";
import { reserveLog } from "./history.ts";
import { clearTemporary, newData, newTemporary } from "./place.ts";

/** Remembers which master has been logged as one that does not answer, and how many clones have failed. */
export interface CloneNotes {
  unreachable: string;
  failures: number;
}

/** Clones the data of the master beside the data directory. Resolves with true when they are there, whole. */
export async function clone(
  context: HookContext,
  { name, address }: Master,
  notes: CloneNotes,
): Promise<boolean> {
  const peer = context.peer(address);
  try {
    await peer.query("SELECT 1");
  } catch (error) {
    if (error instanceof HookFailure) throw error;
    if (notes.unreachable !== address) {
      context.log(`waiting for ${name} (${address}), to clone the data from it: ${messageOf(error)}`);
    }
    notes.unreachable = address;
    return false;
  }
  clearTemporary(context);
  newTemporary(context);
  const slot = await reserveLog(context, peer);
  context.log(`cloning the data of ${name} (${address})`);
  const { code } = await context.run(
    [
      context.program("pg_basebackup"),
      ...["-w", "-d", conninfo(context.settings, address), "-D", newData(context)],
      ...["-X", "stream", "-c", "fast", "--no-sync"],
      ...(slot === "" ? [] : ["-S", slot]),
    ],
    { log: context.log },
  );
  if (code === 0) {
    writeOut(newData(context));
    return true;
  }
  context.signal.throwIfAborted();
  notes.failures += 1;
  context.log("the clone was cut short and will be tried again");
  clearTemporary(context);
  return false;
}
