import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly command: string;
}

/** The living processes on a host; zombies are gone already. */
export function processesOn(host: string): readonly Process[] {
  const namespace = `net:[${statSync(`/run/netns/${host}`).ino}]`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return readlinkSync(`/proc/${name}/ns/net`) === namespace ? describe(Number(name)) : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

/** The processes of a node that a fault may single out; those that are not there at the moment are undefined. */
export interface NodeProcesses {
  readonly supervisor: Process | undefined;
  readonly outerGuard: Process | undefined;
  readonly innerGuard: Process | undefined;
  readonly main: Process | undefined;
}

export function sortProcesses(all: readonly Process[]): NodeProcesses {
  const supervisor = all.find(({ command }) => /\bnode\b.*msdha-backend\.mjs/.test(command));
  const guards = all.filter(({ command }) => command.includes("msdha-guard") && !command.includes("--init"));
  const outerGuard = guards.find(({ parent }) => parent === supervisor?.pid);
  const innerGuard = guards.find(({ parent }) => parent === outerGuard?.pid);
  const main = all.find(
    ({ pid, parent, session, command }) =>
      parent === innerGuard?.pid && session === pid && command.includes("beater.pl"),
  );
  return { supervisor, outerGuard, innerGuard, main };
}

/** Sends a signal to a process that may have ended. */
export function signal(process_: Process | number | undefined, name: NodeJS.Signals): void {
  const pid = typeof process_ === "object" ? process_.pid : process_;
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

function describe(pid: number): readonly Process[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [, state, parent, , session] = /\) (\S) (\d+) (\d+) (\d+) /.exec(stat) ?? [];
  if (state === "Z" || state === "X") return [];
  const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  return [{ pid, parent: Number(parent), session: Number(session), command }];
}
