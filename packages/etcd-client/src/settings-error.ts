/** A variable that can't be used; `got` is a path, and is left out where it could be a secret instead. */
export interface EtcdSettingProblem {
  readonly variable: string;
  readonly expected: string;
  readonly got?: string;
}

/** Says which variables are wrong, all of them, one line each, never with a password or a key in it. */
export class EtcdSettingsError extends Error {
  override readonly name = "EtcdSettingsError";
  readonly code = "ERR_ETCD_SETTINGS";
  readonly problems: readonly EtcdSettingProblem[];

  constructor(problems: readonly EtcdSettingProblem[]) {
    const safe = problems.map(withoutSecret);
    super(safe.map(describeProblem).join("\n"));
    this.problems = safe;
  }
}

/** The text of a key or a password in the place of a path is a usual mistake: a message shows only what surely is a path. */
function withoutSecret({ got, ...problem }: EtcdSettingProblem): EtcdSettingProblem {
  const isPath = got !== undefined && /^\/(?!.*-----)[^@\p{C}\p{Zl}\p{Zp}]*$/u.test(got);
  return isPath ? { ...problem, got } : problem;
}

function describeProblem({ variable, expected, got }: EtcdSettingProblem): string {
  return `${variable}: expected ${expected}${got === undefined ? "" : `, got ${JSON.stringify(got)}`}`;
}
