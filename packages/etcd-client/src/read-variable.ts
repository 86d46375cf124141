import { type Environment, notBoth, readGiven } from "@msdha/settings/given";
import type { EtcdSettingProblem } from "./settings-error.ts";

export type { Environment };
export type Report = (problem: EtcdSettingProblem) => void;

/** A value, and the path of the file that it comes from. One that can't be read is reported, and has no value. */
export interface GivenValue {
  readonly value?: string;
  readonly file?: string;
}

/** Returns the value of a variable, or of the file that `NAME_FILE` names; undefined when there is none, or it is empty. */
export function readVariable(
  environment: Environment,
  variable: string,
  report: Report,
): GivenValue | undefined {
  const given = readGiven(environment, variable);
  switch (given?.kind) {
    case undefined:
      return undefined;
    case "value":
      return { value: given.value };
    case "both":
      report(notBoth(variable));
      return { value: given.value };
    case "file":
      return given.value === "" ? undefined : { value: given.value, file: given.path };
    case "unreadable": {
      const { path, code } = given;
      const expected = isPem(path)
        ? "the path of a file, not its text"
        : `the path of a file that can be read (${code})`;
      report({ variable: given.variable, expected, got: path });
      return { file: path };
    }
  }
}

/** Whether a text is PEM, with whatever in front of it. */
export function isPem(text: string): boolean {
  return text.includes("-----BEGIN ");
}

/** The system's code of an error: its message may hold what was taken for a path. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "no code";
}
