import { readFileSync } from "node:fs";

export type Environment = Readonly<Record<string, string | undefined>>;

/** How a variable is given: by its value, or by `NAME_FILE`, the path of a file with the value. */
export type Given =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "file"; readonly value: string; readonly variable: string; readonly path: string }
  /** Both are given, which is a mistake. */
  | { readonly kind: "both"; readonly value: string }
  /** The file can't be read; `code` is the system's, since its message may hold what was taken for a path. */
  | { readonly kind: "unreadable"; readonly variable: string; readonly path: string; readonly code: string };

/**
 * Returns how a variable is given; undefined when it is not, or is empty. The value of a file is its content, less one line
 * end, and may be empty. Needs nothing but Node: other packages use it without zod.
 */
export function readGiven(environment: Environment, name: string): Given | undefined {
  const value = environment[name] || undefined;
  const variable = `${name}_FILE`;
  const path = environment[variable] || undefined;
  if (path === undefined) return value === undefined ? undefined : { kind: "value", value };
  if (value !== undefined) return { kind: "both", value };
  try {
    return { kind: "file", value: readFileSync(path, "utf8").replace(/\r?\n$/, ""), variable, path };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "no code";
    return { kind: "unreadable", variable, path, code };
  }
}

/**
 * Returns what a variable says, or the file that `NAME_FILE` names; undefined where neither is given or the file can't be read. For
 * what a command only looks at: a node or a frontend says itself what is wrong with it.
 */
export function readVariable(environment: Environment, name: string): string | undefined {
  const given = readGiven(environment, name);
  return given === undefined || given.kind === "unreadable" ? undefined : given.value || undefined;
}

/** Returns the problem of a variable that is given twice, in the words that every reader of variables uses. */
export function notBoth(name: string): { readonly variable: string; readonly expected: string } {
  return { variable: name, expected: `either ${name} or ${name}_FILE, not both` };
}
