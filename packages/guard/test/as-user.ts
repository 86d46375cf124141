import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TempDir } from "@msdha/testkit";
import { guardBinary, type KillNotPermittedError, type StartedGuard, startGuard } from "../src/index.ts";

/** Who the guard is, as arguments of setpriv. */
export const users = {
  root: [],
  rootWithThree: ["--bounding-set=-all,+kill,+setuid,+setgid", "--inh-caps=-all"],
  rootWithoutKill: ["--bounding-set=-kill", "--inh-caps=-all"],
  other: ["--reuid=12345", "--regid=12345", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"],
  otherWithCapabilities: ["--reuid=12345", "--regid=12345", "--clear-groups", "--inh-caps=-all"],
} as const;

interface Started {
  readonly guard: StartedGuard;
  readonly denials: readonly KillNotPermittedError[];
}

/** Starts a guard as another user than this test, which works as its supervisor all the same. */
export async function startAs(
  user: readonly string[],
  folder: TempDir,
  {
    hidepid,
    guard: file = guardBinary(),
    ...options
  }: { readonly noNewPrivileges?: boolean; readonly hidepid?: string; readonly guard?: string } = {},
): Promise<Started> {
  chmodSync(folder.path, 0o755);
  const program = join(folder.path, "msdha-guard");
  copyFileSync(file, program);
  chmodSync(program, 0o755);
  const before = hidepid === undefined ? "" : `unshare --mount ${makeHiding(folder, hidepid)}`;
  const binary = join(folder.path, "guard-as");
  writeFileSync(binary, `#!/bin/sh\nexec ${before} setpriv ${user.join(" ")} ${program} "$@"\n`, {
    mode: 0o755,
  });
  const denials: KillNotPermittedError[] = [];
  const guard = await startGuard({ binary, onDenied: (error) => denials.push(error), ...options });
  return { guard, denials };
}

/** A program that becomes its arguments, with a /proc that hides something from them. */
function makeHiding(folder: TempDir, hidepid: string): string {
  const file = join(folder.path, "hide");
  const script = `mount -t proc -o hidepid=${hidepid} proc /proc && exec "$@"`;
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}
