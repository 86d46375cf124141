/** One record of the log. Its timeline is the one on which it was written. */
export interface Entry {
  readonly id: number;
}

/** A process of a master that serves a standby, with the list of standbys that it knows. */
export interface Walsender {
  readonly standby: string;
  needed: number;
  standbys: readonly string[];
  /** The standby's last reported end of the log. */
  flushed: number;
  /** What the standby has told and the process has not read yet. */
  readonly replies: number[];
  frozen: boolean;
  /** The standby is connected to it. */
  open: boolean;
}

/** A node: its data, which outlive it, and its server and helper, which do not. */
export interface Server {
  readonly name: string;
  log: Entry[];
  timeline: number;
  began: number;
  mark: string | undefined;
  alive: boolean;
  frozen: boolean;
  /** Its helper rests: what it has asked for is neither done nor answered. The server goes on. */
  rests: boolean;
  /** Counts its lives: what an earlier one has asked for is forgotten. */
  epoch: number;
  standby: boolean;
  follows: string | undefined;
  /** In the settings' file. */
  configured: { readonly needed: number; readonly standbys: readonly string[] };
  /** What the first process knows, and gives to those that it starts. */
  known: Server["configured"];
  /** Whether commits wait at all, as the checkpointer has told the others. */
  waits: boolean;
  walsenders: Walsender[];
  /** Commits that wait: where each is in the log. */
  waiting: { readonly id: number; readonly at: number }[];
}

const NOBODY = { needed: 1, standbys: [] } as const;

export function createServer(name: string): Server {
  return {
    name,
    log: [],
    timeline: 1,
    began: 0,
    mark: undefined,
    alive: true,
    frozen: false,
    rests: false,
    epoch: 0,
    standby: true,
    follows: undefined,
    configured: NOBODY,
    known: NOBODY,
    waits: true,
    walsenders: [],
    waiting: [],
  };
}

/** Returns whether its standby is one of those that commits wait for, as far as the process knows. */
export function counts({ needed, standby, standbys }: Walsender): boolean {
  return needed > 0 && standbys.includes(standby);
}

/** Ends the server and its helper; the data stay. */
export function killServer(server: Server): void {
  server.alive = false;
  server.frozen = false;
  server.rests = false;
  server.epoch += 1;
  server.walsenders = [];
  server.waiting = [];
}

/** Starts it as a standby that follows nobody, and whose commits, once it is promoted, wait for nobody who can be. */
export function startServer(server: Server, first: Server["configured"] = NOBODY): void {
  server.alive = true;
  server.standby = true;
  server.follows = undefined;
  server.configured = first;
  server.known = first;
  server.waits = first.needed > 0;
}

/** Returns whether everything in the first log is in the second, in its place. */
export function isPrefix(log: readonly Entry[], of: readonly Entry[]): boolean {
  return log.length <= of.length && (log.length === 0 || log.at(-1)?.id === of[log.length - 1]?.id);
}

/** Returns how many records two logs have in common from their beginning. */
export function commonLength(one: readonly Entry[], other: readonly Entry[]): number {
  let length = Math.min(one.length, other.length);
  while (length > 0 && one[length - 1]?.id !== other[length - 1]?.id) length -= 1;
  return length;
}

/** Returns whether this standby may follow that master: it has nothing that the master does not have. */
export function mayFollow(standby: Server, master: Server): boolean {
  return isPrefix(standby.log, master.log);
}
