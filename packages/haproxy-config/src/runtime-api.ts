import { setTimeout as sleep } from "node:timers/promises";
import { HaproxyCommandError, HaproxyUnavailableError } from "./errors.ts";
import {
  parseInfo,
  parseServersState,
  parseStat,
  type ServerRow,
  type ServerState,
  type StatRow,
} from "./parse-answers.ts";
import { parseProgress, parseSessions, type SessionProgress, type SessionRow } from "./parse-sessions.ts";
import { ask as askSocket } from "./stats-socket.ts";
import {
  canonicalAddress,
  commandLine,
  ipAddress,
  sectionName,
  serverState,
  sessionId,
  socketPath as socketPathValue,
  tcpPort,
} from "./values.ts";

/** Where a server sends its connections: an IP address, never a name. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

export interface RuntimeCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long each answer may take, in ms, where that is less than what the API waits for. */
  readonly timeoutMs?: number | undefined;
}

/** A server's state to be set. */
export interface StateChange {
  readonly server: string;
  readonly state: ServerState;
  /**
   * Where it is to send its connections, set right before the state. A server that is made ready then has this address also
   * where HAProxy was started anew since somebody looked; from HAProxy 2.9 on it has it a moment later.
   */
  readonly to?: ServerAddress | undefined;
}

/**
 * HAProxy's runtime API, as much as is needed to lead it. Every method rejects with a `HaproxyUnavailableError` (HAProxy is not
 * there, does not answer, or ends in the middle of an answer), a `HaproxyCommandError` (it said no), a `HaproxyAnswerError` (it
 * said something unknown), a `TypeError` for a value that has no place in a command, or the reason of its signal.
 */
export interface RuntimeApi {
  /** The servers of a backend: their addresses and states. */
  showServers(backend: string, options?: RuntimeCallOptions): Promise<ServerRow[]>;
  /**
   * Gives a server another address and resolves when HAProxy shows it: up to HAProxy 2.8 that is with the answer,
   * from 2.9 on a moment after it.
   */
  setServerAddress(
    backend: string,
    server: string,
    to: ServerAddress,
    options?: RuntimeCallOptions,
  ): Promise<void>;
  /** Sets the states in the order given, in one go. `maint` cuts the sessions of a slot. */
  setServerStates(
    backend: string,
    changes: readonly StateChange[],
    options?: RuntimeCallOptions,
  ): Promise<void>;
  /**
   * Lets go of the port for good; sessions go on. Resolves too when that was done before. New connections are refused,
   * unless another process holds the socket too.
   */
  shutdownFrontend(frontend: string, options?: RuntimeCallOptions): Promise<void>;
  /** The sessions that have a server, or are connecting to one. */
  showSessions(options?: RuntimeCallOptions): Promise<SessionRow[]>;
  /** How far each of these sessions is, by its ID; a session that has ended, or has no server any more, is left out. */
  showProgress(
    ids: readonly string[],
    options?: RuntimeCallOptions,
  ): Promise<ReadonlyMap<string, SessionProgress>>;
  showStat(options?: RuntimeCallOptions): Promise<StatRow[]>;
  showInfo(options?: RuntimeCallOptions): Promise<ReadonlyMap<string, string>>;
  /**
   * Sends a line of your own, and resolves with what HAProxy answers, as it is: a refusal is an answer too. The line may
   * hold several commands, with `;` between them, but no control character and no payload (`<<`). It does not count the answers:
   * where HAProxy ends between two of them, the first are what it resolves with. What HAProxy does not end with an empty line
   * rejects: `quit`, whose answer is empty, and `prompt`, which keeps the connection open.
   */
  command(line: string, options?: RuntimeCallOptions): Promise<string>;
}

export interface RuntimeApiOptions {
  /** How long an answer, or setting an address, may take, in ms; default: 2,000. */
  readonly timeoutMs?: number;
}

/** HAProxy reads a line into a buffer of 16 kB, and a session takes less than 32 bytes of it. */
const MOST_SESSIONS_A_LINE = 250;
/** How long to wait between two tries, where HAProxy is not there yet. */
const LOOK_AGAIN_MS = 5;
const REFUSAL = /^(invalid|no such|permission|unknown|require|can't|cannot|unable|backend|server)/im;

/**
 * Speaks the runtime API over HAProxy's stats socket, a connection for each command: nothing is held open, so
 * HAProxy may come and go. Connects with the first command.
 */
export function createRuntimeApi(
  socketPath: string,
  { timeoutMs = 2_000 }: RuntimeApiOptions = {},
): RuntimeApi {
  const path = socketPathValue("socketPath", socketPath);
  const ask = (
    line: string,
    commands: number | undefined,
    options: RuntimeCallOptions = {},
  ): Promise<string> =>
    askSocket(path, line, {
      timeoutMs: Math.min(timeoutMs, options.timeoutMs ?? timeoutMs),
      signal: options.signal,
      commands,
    });
  /** Sends commands in one line, and expects an answer to each. */
  const send = (commands: string | readonly string[], options?: RuntimeCallOptions): Promise<string> => {
    const joined = [commands].flat();
    return ask(joined.join(";"), joined.length, options);
  };

  async function sendExpectingNothing(
    commands: string | readonly string[],
    options?: RuntimeCallOptions,
    ignore?: RegExp,
  ): Promise<void> {
    const answer = await send(commands, options);
    if (answer.trim() !== "" && !ignore?.test(answer)) {
      throw new HaproxyCommandError([commands].flat().join(";"), answer);
    }
  }

  async function showServers(backend: string, options?: RuntimeCallOptions): Promise<ServerRow[]> {
    return parseServersState(await send(`show servers state ${sectionName("backend", backend)}`, options));
  }

  async function setServerAddress(
    backend: string,
    server: string,
    { address, port }: ServerAddress,
    options?: RuntimeCallOptions,
  ): Promise<void> {
    const command = addressCommand(backend, server, { address, port });
    const isThere = (rows: readonly ServerRow[]): boolean => {
      const row = rows.find(({ name }) => name === server);
      return row?.port === port && canonicalAddress(row.address) === canonicalAddress(address);
    };
    // Both in one go: clients may be waiting for this.
    const answer = await send([command, `show servers state ${backend}`], options);
    const tableAt = answer.search(/^\d+\n# /m);
    const said = tableAt < 0 ? answer : answer.slice(0, tableAt);
    if (REFUSAL.test(said.trim())) throw new HaproxyCommandError(command, said);
    if (isThere(parseServersState(answer.slice(said.length)))) return;
    const until = performance.now() + timeoutMs;
    do {
      await sleep(1);
      if (isThere(await showServers(backend, options))) return;
    } while (performance.now() <= until);
    throw new HaproxyCommandError(command, `not carried out in ${timeoutMs} ms`);
  }

  return {
    showServers,
    setServerAddress,
    setServerStates: async (backend, changes, options) => {
      const commands = changes.flatMap(({ server, state, to }) => [
        ...(to ? [addressCommand(backend, server, to)] : []),
        `set server ${target(backend, server)} state ${serverState("state", state)}`,
      ]);
      if (changes.every(({ to }) => !to)) return sendExpectingNothing(commands, options);
      // What is said of an address that is set differs from version to version.
      const answer = await send(commands, options);
      if (REFUSAL.test(answer)) throw new HaproxyCommandError(commands.join(";"), answer);
    },
    shutdownFrontend: async (frontend, options) =>
      sendExpectingNothing(`shutdown frontend ${sectionName("frontend", frontend)}`, options, /already/i),
    showSessions: async (options) => parseSessions(await send("show sess", options)),
    showProgress: async (ids, options) => {
      const progress = new Map<string, SessionProgress>();
      for (let at = 0; at < ids.length; at += MOST_SESSIONS_A_LINE) {
        const asked = ids.slice(at, at + MOST_SESSIONS_A_LINE);
        const commands = asked.map((id) => `show sess ${sessionId("id", id)}`);
        for (const [id, now] of parseProgress(await send(commands, options))) progress.set(id, now);
      }
      return progress;
    },
    showStat: async (options) => parseStat(await send("show stat", options)),
    showInfo: async (options) => parseInfo(await send("show info", options)),
    command: async (line, options) => ask(commandLine("line", line), undefined, options),
  };
}

/**
 * Resolves as soon as HAProxy answers on its stats socket. Rejects with a `HaproxyUnavailableError` when `timeoutMs` have passed,
 * also where the socket accepts and is silent; its message says what was waited for and, as its `cause` does, which socket is
 * unavailable and why. Rejects with the reason of `signal` when that aborts.
 */
export async function waitForRuntimeApi(
  api: Pick<RuntimeApi, "showInfo">,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<string, string>> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await api.showInfo({ signal, timeoutMs: Math.max(1, until - performance.now()) });
    } catch (error) {
      if (!(error instanceof HaproxyUnavailableError)) throw error;
      if (performance.now() + LOOK_AGAIN_MS >= until) {
        const why = `waited ${timeoutMs} ms for an answer to 'show info': ${error.message}`;
        throw new HaproxyUnavailableError(why, { cause: error });
      }
    }
    // Its own AbortError hides the signal's reason.
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

function addressCommand(backend: string, server: string, { address, port }: ServerAddress): string {
  return `set server ${target(backend, server)} addr ${ipAddress("address", address)} port ${tcpPort("port", port)}`;
}

function target(backend: string, server: string): string {
  return `${sectionName("backend", backend)}/${sectionName("server", server)}`;
}
