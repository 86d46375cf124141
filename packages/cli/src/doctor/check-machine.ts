import type { NodeStatus } from "@msdha/group";
import { plain } from "../render/plain.ts";
import { checkProcesses, type ProcessFacts } from "./check-processes.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";
import type { HookFolder } from "./list-hooks.ts";
import type { Park } from "./read-park.ts";
import type { RunFolder } from "./read-run-folder-space.ts";

/** What there is where the command runs: a node, a frontend, or neither. */
export interface MachineFacts {
  /** undefined: this is no frontend, or it has the default. */
  readonly park: Park | undefined;
  /** Addresses of nodes that can't be resolved here, with why. */
  readonly unresolved: readonly { readonly address: string; readonly why: string }[];
  readonly resolved: number;
  /** undefined: this is no node. */
  readonly hooks: HookFolder | undefined;
  readonly processes: readonly ProcessFacts[];
  /** Undefined where there is no run folder. */
  readonly runFolder: RunFolder | undefined;
}

/** Checks what depends on the place where the command runs. */
export function checkMachine(facts: MachineFacts, ttlSeconds: number): readonly Finding[] {
  return [
    ...checkPark(facts, ttlSeconds),
    ...checkAddresses(facts),
    ...checkHooks(facts),
    ...checkSpace(facts),
    ...checkProcesses(facts.processes),
  ];
}

/** The addresses of nodes, each once. */
export function listAddresses(nodes: readonly NodeStatus[]): readonly string[] {
  return [...new Set(nodes.map(({ address }) => address))];
}

function checkPark({ park }: MachineFacts, ttlSeconds: number): readonly Finding[] {
  if (park === undefined) return [];
  if ("problem" in park)
    return [failure(`MSDHA_PARK: ${plain(park.problem)}`, "the frontend does not start with it")];
  const { ms: parkMs } = park;
  if (parkMs === 0) return [ok("MSDHA_PARK is 0: without a master, connections are closed at once")];
  const leastMs = 3 * ttlSeconds * 1_000;
  const what = `MSDHA_PARK is ${parkMs / 1_000} s, three TTLs are ${leastMs / 1_000} s`;
  if (parkMs >= leastMs) return [ok(what)];
  return [warning(what, "make it longer: connections that wait are refused before a failover is over")];
}

function checkAddresses({ unresolved, resolved }: MachineFacts): readonly Finding[] {
  const findings: readonly Finding[] = unresolved.map(({ address, why }) =>
    failure(
      `the address ${plain(address)} can't be resolved here: ${plain(why)}`,
      "set MSDHA_ADDRESS of that node to what frontends can resolve",
    ),
  );
  return resolved > 0
    ? [ok(`addresses of nodes that can be resolved here: ${resolved}`), ...findings]
    : findings;
}

function checkHooks({ hooks }: MachineFacts): readonly Finding[] {
  if (!hooks) return [];
  if ("why" in hooks)
    return [
      failure(
        `the hooks in ${plain(hooks.dir)} can't be read: ${plain(hooks.why)}`,
        "make MSDHA_HOOKS_DIR the path of a folder that this user can read",
      ),
    ];
  const findings = hooks.misnamed.map(({ name, hook }) =>
    warning(`${plain(name)} is no hook, and is never run`, `call it ${hook}, if that is what it is`),
  );
  if (!hooks.hooks.some(({ name }) => name === "start")) {
    return [
      failure("this node has no hook start", "put one into MSDHA_HOOKS_DIR: it is required"),
      ...findings,
    ];
  }
  const broken = hooks.hooks.flatMap(({ name, fault }) =>
    fault === undefined
      ? []
      : [
          failure(
            `hook ${name} can't be run: ${plain(fault)}`,
            "mend it: the node does not start, or ends where it needs it",
          ),
        ],
  );
  const names = hooks.hooks.map(({ name }) => name).join(", ");
  return [...(broken.length > 0 ? broken : [ok(`hooks of this node: ${names}`)]), ...findings];
}

/** A node writes some kB there: who is the master, and how it left. It goes on without, and what reads these files is wrong. */
const LEAST_BYTES = 64 * 1024;

function checkSpace({ runFolder }: MachineFacts): readonly Finding[] {
  if (!runFolder) return [];
  const { dir, freeBytes, freeFiles } = runFolder;
  const what = `the run folder ${plain(dir)}`;
  if (freeBytes >= LEAST_BYTES && freeFiles > 0) return [ok(`${what} has space`)];
  return [
    failure(
      `${what} has no space left: ${freeFiles > 0 ? `${freeBytes} bytes` : "no file"} can be written there`,
      "make room: is_master and current_master are not written without it, nor how this run ends",
    ),
  ];
}
