import { readFileSync } from "node:fs";
import type { EtcdSettingProblem } from "./settings-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Report = (problem: EtcdSettingProblem) => void;

/** A value, and the path of the file that it is the content of. One that can't be read is reported, and has no value. */
export interface GivenValue {
  readonly value?: string;
  readonly file?: string;
}

/** The value of a variable, or of the file that `NAME_FILE` names, less one line end; undefined if none or empty. */
export function readVariable(
  environment: Environment,
  variable: string,
  report: Report,
): GivenValue | undefined {
  const value = environment[variable] || undefined;
  const file = environment[`${variable}_FILE`] || undefined;
  if (file === undefined) return value === undefined ? undefined : { value };
  if (value !== undefined) {
    report({ variable, expected: `either ${variable} or ${variable}_FILE, not both` });
    return { value };
  }
  try {
    const content = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    return content === "" ? undefined : { value: content, file };
  } catch (error) {
    const expected = isPem(file)
      ? "the path of a file, not its text"
      : `the path of a file that can be read (${codeOf(error)})`;
    report({ variable: `${variable}_FILE`, expected, got: file });
    return { file };
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
