import { spawnSync } from "node:child_process";

/** How far ahead of the monotonic clock the boot-time clock is in the namespace, as if the machine had been suspended. */
export const SUSPENDED_MS = 100_000_000;

/** Runs a command in a time namespace of its own, which ends with this one. */
export const suspended: readonly string[] = [
  "unshare",
  "--time",
  "--boottime",
  String(SUSPENDED_MS / 1000),
  "--kill-child",
  "--fork",
];

/** Why there can be no such namespace here, if that is so. */
export function findObstacle(): string | undefined {
  const [file = "", ...args] = suspended;
  const { status, error, stderr } = spawnSync(file, [...args, "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `no time namespace here: ${error?.message ?? stderr.trim()}`;
}
