import { type Finding, failure, ok } from "./finding.ts";

/** A process of this machine, as /proc has it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** The real, effective and saved user. */
  readonly users: readonly [number, number, number];
  /** Whether it may signal every process. */
  readonly maySignalAll: boolean;
}

/** Checks that the node here may signal all that it runs: one that may not can't end a master in time. */
export function checkProcesses(processes: readonly ProcessFacts[]): readonly Finding[] {
  const nodes = processes.filter(({ command }) => /(?:^|[\s/])msdha-backend\.mjs$/.test(command));
  return nodes.map((node) => checkNode(node, processes));
}

function checkNode(node: ProcessFacts, processes: readonly ProcessFacts[]): Finding {
  const which = `the node here (process ${node.pid})`;
  const below = listBelow(node.pid, processes);
  const denied = below.filter((one) => !maySignal(node, one));
  if (denied.length === 0) return ok(`${which} may signal all ${below.length} processes that it runs`);
  const names = denied.map(({ pid, users }) => `${pid} (user ${users[0]})`).join(", ");
  return failure(
    `${which} may not signal what it runs: process ${names}`,
    "run both as one user, or give the node CAP_KILL: it ends itself as soon as it notices",
  );
}

function listBelow(pid: number, processes: readonly ProcessFacts[]): readonly ProcessFacts[] {
  const children = processes.filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...listBelow(child.pid, processes)]);
}

/** The kernel's rule, as kill(2) has it; a security module can still refuse. */
function maySignal({ users: [real, effective], maySignalAll }: ProcessFacts, target: ProcessFacts): boolean {
  const [targetReal, , targetSaved] = target.users;
  return maySignalAll || [real, effective].some((user) => user === targetReal || user === targetSaved);
}
