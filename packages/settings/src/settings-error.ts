import { printable } from "./printable.ts";

/** One wrong variable; `got` is left out where there was nothing. */
export interface SettingProblem {
  readonly variable: string;
  readonly expected: string;
  readonly got?: string;
}

/**
 * Says which variables are wrong, all of them, one line each. A value that may hold a password or a key, put into a
 * variable by mistake, is not shown.
 */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly code = "ERR_SETTINGS";
  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const safe = problems.map(({ got, ...rest }) =>
      got === undefined ? rest : { ...rest, got: shown(got) },
    );
    super(safe.map(describeProblem).join("\n"));
    this.problems = safe;
  }
}

/** A path as an error may show it: what does not begin as one may be what the file should hold. */
export function shownPath(path: string): string {
  return path.startsWith("/") ? path : "(not shown: no absolute path)";
}

/** A key has line ends and `-----`, a URL with a password an `@`. */
function shown(value: string): string {
  return /[\r\n@]|-----/.test(value) ? "(not shown: it has a line end, an @ or -----)" : value;
}

function describeProblem({ variable, expected, got }: SettingProblem): string {
  return `${printable(variable)}: expected ${expected}${got === undefined ? "" : `, got ${printable(JSON.stringify(got))}`}`;
}
