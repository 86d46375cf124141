import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild, waitFor } from "@msdha/testkit";
import { backendCommand, beater } from "./paths.ts";

export interface NodeOptions {
  /** See programs/beater.pl. */
  readonly mode?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Bodies of hooks, added to or put in the place of the usual ones; null: no such hook. */
  readonly hooks?: Readonly<Record<string, string | null>>;
  readonly listen?: { readonly address: string; readonly port: number };
  /** The name of the run folder; default: the node's name. */
  readonly folder?: string;
  /** A command that runs the backend, such as setpriv or unshare: it has to become it by exec. Default: none. */
  readonly within?: readonly string[];
}

/** A backend as a process, and what a test may do to it. */
export interface TestNode extends AsyncDisposable {
  readonly name: string;
  readonly child: Child;
  readonly runDir: string;
  log(): string;
  /** Resolves with the exit code, or the signal's name, when the node has ended. */
  exited(timeoutMs?: number): Promise<number | string>;
  stop(): void;
  /** Resolves when the log has a line that matches. */
  logged(pattern: RegExp, timeoutMs?: number): Promise<string>;
}

export interface NodePlace {
  readonly dir: string;
  readonly journal: string;
  readonly endpoints: string;
  readonly group: string;
  readonly ttlSeconds: number;
}

/** Starts `msdha-backend` with the test program as its main process, and hooks that write to the journal. */
export function startNode(place: NodePlace, name: string, options: NodeOptions = {}): TestNode {
  const folder = join(place.dir, place.group, options.folder ?? name);
  const hooksDir = join(folder, "hooks");
  const runDir = join(folder, "run");
  mkdirSync(hooksDir, { recursive: true });
  for (const [hook, body] of Object.entries({ ...usualHooks(place, name, options), ...options.hooks })) {
    if (body !== null) writeHook(join(hooksDir, hook), body);
  }
  const logFile = join(folder, `log-${Date.now()}-${Math.random().toString(36).slice(2)}`);
  const [file = "", ...args] = [...(options.within ?? []), backendCommand];
  const child = startChild(file, args, {
    logFile,
    env: {
      PATH: process.env["PATH"],
      ETCDCTL_ENDPOINTS: place.endpoints,
      MSDHA_GROUP: place.group,
      MSDHA_NAME: name,
      MSDHA_TTL: String(place.ttlSeconds),
      MSDHA_RUN_DIR: runDir,
      MSDHA_HOOKS_DIR: hooksDir,
      ...(options.listen && { MSDHA_ADDRESS: options.listen.address }),
      ...options.env,
    },
  });
  // Its folder is gone by the time that a failed test prints it.
  let kept: string | undefined;
  const log = (): string => kept ?? readFileSync(logFile, "utf8");
  return {
    name,
    child,
    runDir,
    log,
    async exited(timeoutMs = 30_000) {
      return await waitFor(() => child.exit, {
        what: `node ${name} to end`,
        timeoutMs,
      }).then((exit) => exit.code ?? String(exit.signal));
    },
    stop: () => child.send("SIGTERM"),
    logged: (pattern, timeoutMs = 20_000) =>
      waitFor(
        () =>
          log()
            .split("\n")
            .find((line) => pattern.test(line)),
        {
          what: `${pattern} in the log of ${name}`,
          timeoutMs,
        },
      ).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : error}\n${log()}`, { cause: error });
      }),
    async [Symbol.asyncDispose]() {
      await child.kill();
      kept = log();
    },
  };
}

function usualHooks(
  place: NodePlace,
  name: string,
  { mode = "plain", listen }: NodeOptions,
): Record<string, string> {
  const at = listen ? ` ${listen.address} ${listen.port}` : "";
  const note = (what: string, rest = ""): string =>
    `run=$(cat "$MSDHA_RUN_DIR/run_id")
perl -MTime::HiRes=clock_gettime -e 'printf "%s %s %s %d %d %s\\n", @ARGV[0..2], $$, clock_gettime(7)*1000, $ARGV[3]' ${what} ${name} "$run" "${rest}" >> ${place.journal}`;
  return {
    start: `BEATER_RUN=$(cat "$MSDHA_RUN_DIR/run_id") exec ${beater} ${place.journal} ${name} ${mode}${at}`,
    master: note("master", "$MSDHA_FENCING_TOKEN"),
    node_state_change: note("change", "$1 $2 $3"),
  };
}

function writeHook(file: string, body: string): void {
  const draft = `${file}.new`;
  writeFileSync(draft, `#!/bin/sh\n${body}\n`);
  // A hook that is just being run can be replaced, but not written to.
  chmodSync(draft, 0o755);
  renameSync(draft, file);
}
