import { accessSync, constants, readdirSync } from "node:fs";
import { join } from "node:path";
import { fail } from "./failure.ts";
import type { Files } from "./files.ts";
import type { Environment } from "./settings.ts";

const DEBIAN = "/usr/lib/postgresql";
const NEEDED = ["postgres", "pg_controldata", "pg_basebackup"];

/**
 * Returns the folder of PostgreSQL's programs: `MSDHA_PG_BIN`, the version that the data want, what the PATH has, the
 * newest of Debian's folders. Throws a `HookFailure` where there is none.
 */
export function findPrograms(env: Environment, files: Files, data: string): string {
  const wanted = files.read(join(data, "PG_VERSION"))?.trim() ?? "";
  const debian = list(DEBIAN).sort((one, other) => Number(other) - Number(one));
  const places = [
    env["MSDHA_PG_BIN"] ?? "",
    join(DEBIAN, wanted, "bin"),
    ...(env["PATH"] ?? "")
      .split(":")
      .filter((place) => has(place, "postgres"))
      .slice(0, 1),
    ...debian.map((version) => join(DEBIAN, version, "bin")),
  ];
  const found = places.find((place) => place !== "" && NEEDED.every((program) => has(place, program)));
  return found ?? fail("PostgreSQL's programs are not found: set MSDHA_PG_BIN to their folder");
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function has(folder: string, program: string): boolean {
  try {
    accessSync(join(folder, program), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
