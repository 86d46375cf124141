import { type ChildProcess, execFile } from "node:child_process";
import type { GroupEtcd, TestGroup } from "./group.ts";
import { msdhaCommand } from "./paths.ts";

/** What a run of `msdha` printed, and how it ended. */
export interface MsdhaRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Where `msdha` runs. */
export interface MsdhaPlace {
  readonly endpoint: string;
  readonly group: string;
  /** Default: none, as the machine may have one at the usual place. */
  readonly runDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A run of `msdha` that goes on. */
export interface RunningMsdha {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  out(): string;
  readonly ended: Promise<MsdhaRun>;
}

/** Runs `msdha` on a group, without a terminal. */
export function runMsdha(place: MsdhaPlace, ...args: readonly string[]): Promise<MsdhaRun> {
  return startMsdha(place, ...args).ended;
}

/** Starts `msdha` on a group, without a terminal. It is killed if it takes too long. */
export function startMsdha(
  { endpoint, group, runDir = "/nowhere", env: more = {} }: MsdhaPlace,
  ...args: readonly string[]
): RunningMsdha {
  const { PATH } = process.env;
  const env = {
    PATH,
    ETCDCTL_ENDPOINTS: endpoint,
    MSDHA_GROUP: group,
    MSDHA_RUN_DIR: runDir,
    ...more,
  };
  const { promise: ended, resolve } = Promise.withResolvers<MsdhaRun>();
  const child = execFile(msdhaCommand, args, { env, timeout: 90_000 }, (error, out, err) => {
    const code = typeof error?.code === "number" ? error.code : error ? -1 : 0;
    resolve({ code, out, err });
  });
  let printed = "";
  child.stdout?.on("data", (more: string) => {
    printed += more;
  });
  return { child, out: () => printed, ended };
}

/** Returns `msdha` for a group. Default: by the etcd that its tests use. */
export function msdhaOf(
  { etcd, name }: Pick<TestGroup<GroupEtcd>, "etcd" | "name">,
  endpoint: string = etcd.endpoint,
): (...args: readonly string[]) => Promise<MsdhaRun> {
  return (...args) => runMsdha({ endpoint, group: name }, ...args);
}
