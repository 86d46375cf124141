import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { ProgramMissingError } from "../errors.ts";

/**
 * The path of a program: `name` itself when it has a `/` in it, else the first of that name in `path` that can be
 * run. Throws a `ProgramMissingError`.
 */
export function findProgram(name: string, { path = searchPath() }: { readonly path?: string } = {}): string {
  if (name.includes("/")) {
    if (isProgram(name)) return name;
    throw new ProgramMissingError(`${name} is not there, or can't be run`);
  }
  const found = path
    .split(delimiter)
    .filter(isAbsolute)
    .map((dir) => join(dir, name))
    .find(isProgram);
  if (found !== undefined) return found;
  throw new ProgramMissingError(`${name} is not installed: it is in no folder of PATH (${path})`);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function searchPath(): string {
  const { PATH = "" } = process.env;
  return PATH;
}
