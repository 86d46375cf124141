import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type HaproxyLine, readErrorLine, readLogLine } from "./haproxy-log.ts";

export interface HaproxyPrograms {
  readonly haproxy: string;
  /** util-linux's setpriv, where it is installed. */
  readonly setpriv: string | undefined;
}

export interface HaproxyStart {
  readonly configFile: string;
  /** Descriptors of this process that HAProxy gets as 3, 4 and so on. */
  readonly descriptors: readonly number[];
  /** Whom it runs as; this process's own user where there is none. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly onLine: (line: HaproxyLine) => void;
}

export interface HaproxyProcess {
  readonly pid: number;
  /** Resolves when it has ended and all its output was read: with how it ended. Never rejects. */
  readonly exited: Promise<string>;
  /** The first error in its output, if there was one. */
  readonly complaint: string | undefined;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts HAProxy in the foreground. With setpriv the kernel ends it when this process ends in whatever way. Its
 * output is read line by line; it gets nothing of our environment but what it can use.
 */
export function startHaproxyProcess(
  { haproxy, setpriv }: HaproxyPrograms,
  { configFile, descriptors, user, onLine }: HaproxyStart,
): HaproxyProcess {
  const command = [haproxy, "-db", "-f", configFile];
  const [file = haproxy, ...args] = setpriv ? [setpriv, "--pdeathsig", "TERM", "--", ...command] : command;
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe", ...descriptors],
    env: environment(),
    cwd: "/",
    ...user,
  });
  let complaint: string | undefined;
  let failure: Error | undefined;
  forEachLine(child.stdout as Readable, (line) => onLine(readLogLine(line)));
  forEachLine(child.stderr as Readable, (line) => {
    const read = readErrorLine(line);
    if (read.level === "error") complaint ??= read.text;
    // What it says of our slots it also says in its log.
    if (read.level !== "debug") onLine(read);
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => {
      failure = error;
      if (child.pid === undefined) resolve(error.message);
    });
    child.once("close", (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`));
  });
  return {
    pid: child.pid ?? 0,
    exited,
    get complaint() {
      return complaint ?? failure?.message;
    },
    kill: (signal) => void child.kill(signal),
  };
}

function environment(): NodeJS.ProcessEnv {
  const kept = ["PATH", "TZ", "LANG", "LC_ALL"] as const;
  return Object.fromEntries(
    kept.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined),
  );
}

function forEachLine(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
    if (line.trim() !== "") onLine(line);
  });
}
