import { lookup } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeStatus } from "@msdha/group";
import { type Environment, readVariable } from "@msdha/settings/given";
import { runDirOf } from "../local/read-local.ts";
import { listAddresses, type MachineFacts } from "./check-machine.ts";
import { listHooks } from "./list-hooks.ts";
import { listProcesses } from "./list-processes.ts";
import { readPark } from "./read-park.ts";
import { readRunFolderSpace } from "./read-run-folder-space.ts";

const LOOKUP_MS = 3_000;
const HOOKS_DIR = "/etc/msdha/hooks";

/** Finds out what there is where the command runs. Rejects for no value of a variable: a bad one is a fact. */
export async function lookAround(
  environment: Environment,
  nodes: readonly NodeStatus[],
): Promise<MachineFacts> {
  const addresses = listAddresses(nodes);
  const found = await Promise.all(addresses.map((address) => resolve(address)));
  const unresolved = found.filter((each) => each !== undefined);
  return {
    park: readPark(environment),
    unresolved,
    resolved: addresses.length - unresolved.length,
    hooks: await listHooks(readVariable(environment, "MSDHA_HOOKS_DIR") ?? HOOKS_DIR),
    processes: listProcesses(),
    runFolder: await readRunFolderSpace(runDirOf(environment)),
  };
}

/** A resolver that does not answer must not hide what the others answer. */
async function resolve(
  address: string,
): Promise<{ readonly address: string; readonly why: string } | undefined> {
  const late = sleep(LOOKUP_MS, `no answer within ${LOOKUP_MS} ms`, { ref: false });
  const why = await Promise.race([
    lookup(address).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    ),
    late,
  ]);
  return why === undefined ? undefined : { address, why };
}
