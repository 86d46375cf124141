import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestGroup } from "./group.ts";
import { backendCommand } from "./paths.ts";

const USER = "12345";
/** Runs a command as another user than root, without capabilities to inherit. */
export const asOther = [
  "setpriv",
  `--reuid=${USER}`,
  `--regid=${USER}`,
  "--clear-groups",
  "--inh-caps=-all",
] as const;

/** Returns why nodes can't be started as another user here, if that is so. */
export function findObstacle(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  const [setpriv, ...options] = asOther;
  try {
    execFileSync(setpriv, [...options, "test", "-r", backendCommand], { stdio: "ignore" });
  } catch {
    return "the checkout is in a folder that another user may not enter";
  }
  return undefined;
}

/** Everybody may write what these nodes have to as another user. */
export function openToOthers(group: TestGroup, ...names: readonly string[]): void {
  chmodSync(group.dir, 0o777);
  chmodSync(group.journal.path, 0o666);
  for (const name of names) {
    for (const dir of ["", name, `${name}/run`]) {
      mkdirSync(join(group.dir, "db", dir), { recursive: true });
      chmodSync(join(group.dir, "db", dir), 0o777);
    }
  }
}
