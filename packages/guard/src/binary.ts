import { access, constants } from "node:fs/promises";
import { arch } from "node:os";
import { fileURLToPath } from "node:url";
import { GuardMissingError } from "./errors.ts";

/** The guard's program: what MSDHA_GUARD_BINARY names, else the one that is built or published with this package. */
export function guardBinary(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return (
    env["MSDHA_GUARD_BINARY"] || fileURLToPath(new URL(`../bin/linux-${arch()}/msdha-guard`, import.meta.url))
  );
}

/** Throws a `GuardMissingError` unless `binary` can be executed. */
export async function requireBinary(binary: string): Promise<void> {
  try {
    await access(binary, constants.X_OK);
  } catch (cause) {
    throw new GuardMissingError(binary, { cause });
  }
}
