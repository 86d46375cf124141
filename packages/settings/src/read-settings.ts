import type { z } from "zod";
import { type Environment, notBoth, readGiven } from "./given.ts";
import { type SettingProblem, SettingsError, shownPath } from "./settings-error.ts";

export interface ReadSettingsOptions<Shape extends z.ZodRawShape> {
  /** The zod type of each variable; its issue messages say what was expected ("a whole number from 1 to 9"). */
  readonly schema: z.ZodObject<Shape>;
  /** Every other variable with this prefix is refused, unless `foreign` knows it. */
  readonly prefix: string;
  /** Variables with the prefix that are somebody else's; a name that ends in `*` stands for all that begin so. */
  readonly foreign?: readonly string[];
  /** Variables whose value is not printed. */
  readonly secret?: readonly string[];
  /** Other spellings: `{ OLD_NAME: "NAME" }`; the right spelling wins. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/**
 * Reads an app's settings. Each variable may also be given as `NAME_FILE`, the path of a file whose content, less one
 * line end, is the value. An empty variable counts as not given. Throws a `SettingsError` that names every problem.
 */
export function readSettings<Shape extends z.ZodRawShape>(
  environment: Environment,
  { schema, prefix, foreign = [], secret = [], aliases = {} }: ReadSettingsOptions<Shape>,
): z.infer<z.ZodObject<Shape>> {
  const problems: SettingProblem[] = [];
  const known = Object.keys(schema.shape);
  const given = gather(environment, known, aliases, problems);
  problems.push(...findUnknown(environment, { prefix, known: [...known, ...Object.keys(aliases)], foreign }));
  const parsed = schema.safeParse(Object.fromEntries([...given].map(([name, { text }]) => [name, text])));
  for (const issue of parsed.error?.issues ?? []) {
    const variable = String(issue.path[0] ?? "");
    if (problems.some((problem) => problem.variable.replace(/_FILE$/, "") === variable)) continue;
    const value = given.get(variable);
    if (value === undefined) problems.push({ variable, expected: "a value: it is required" });
    else if (value.file !== undefined)
      problems.push(describeFile(value.file, `a file with ${issue.message}`));
    else
      problems.push({
        variable,
        expected: issue.message,
        got: secret.includes(variable) ? "(not shown)" : value.text,
      });
  }
  if (problems.length > 0 || !parsed.success) throw new SettingsError(problems);
  return parsed.data;
}

/** A value, and the `NAME_FILE` that it comes from. */
interface Given {
  readonly text: string;
  readonly file?: GivenFile;
}

interface GivenFile {
  readonly variable: string;
  readonly path: string;
}

function gather(
  environment: Environment,
  known: readonly string[],
  aliases: Readonly<Record<string, string>>,
  problems: SettingProblem[],
): ReadonlyMap<string, Given> {
  const given = new Map<string, Given>();
  for (const variable of known) {
    const spellings = [variable, ...Object.keys(aliases).filter((alias) => aliases[alias] === variable)];
    for (const spelling of spellings) {
      const value = readVariable(environment, spelling, problems);
      if (value === undefined) continue;
      given.set(variable, value);
      break;
    }
  }
  return given;
}

function readVariable(
  environment: Environment,
  variable: string,
  problems: SettingProblem[],
): Given | undefined {
  const given = readGiven(environment, variable);
  switch (given?.kind) {
    case undefined:
      return undefined;
    case "value":
      return { text: given.value };
    case "both":
      problems.push(notBoth(variable));
      return { text: given.value };
    case "file":
      return { text: given.value, file: given };
    case "unreadable":
      problems.push(describeFile(given, `the path of a file that can be read (${given.code})`));
      return undefined;
  }
}

/** Shows only the path of a file, never what it holds. */
function describeFile({ variable, path }: GivenFile, expected: string): SettingProblem {
  return { variable, expected, got: shownPath(path) };
}

function findUnknown(
  environment: Environment,
  { prefix, known, foreign }: { prefix: string; known: readonly string[]; foreign: readonly string[] },
): SettingProblem[] {
  const isForeign = (name: string): boolean =>
    foreign.some((entry) => (entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : name === entry));
  return Object.keys(environment)
    .filter((variable) => variable.startsWith(prefix))
    .filter((variable) => {
      const name = variable.endsWith("_FILE") ? variable.slice(0, -"_FILE".length) : variable;
      return ![variable, name].some((candidate) => known.includes(candidate) || isForeign(candidate));
    })
    .map((variable) => ({ variable, expected: `a known variable${suggest(variable, known)}` }));
}

function suggest(variable: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(variable, name) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= 3 ? ` (${nearest.name}?)` : "";
}

/** Levenshtein's distance, by Wagner and Fischer's rows. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
