import { readFileSync } from "node:fs";

const DURATIONS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
];

/** The names of a schema, each with its default as a user would write it: undefined where it is none or computed. */
export function readSchema(file) {
  const source = readFileSync(file, "utf8");
  const schema = source.slice(source.indexOf("z.object({"), source.indexOf("\n});"));
  return new Map(
    schema
      .split(/^(?= {2}MSDHA_\w+:)/m)
      .slice(1)
      .map((field) => [/MSDHA_\w+/.exec(field)[0], writeDefault(field)]),
  );
}

function writeDefault(field) {
  const [, literal] = /\.default\(([\w.]+|"[^"]*")\)/.exec(field) ?? [];
  if (literal === undefined) return undefined;
  if (literal.startsWith('"')) return literal.slice(1, -1);
  if (literal === "true" || literal === "false") return literal === "true" ? "yes" : "no";
  if (literal.endsWith("POSITIVE_INFINITY")) return "infinity";
  const number = Number(literal.replaceAll("_", ""));
  if (Number.isNaN(number) || !/(?:duration|milliseconds)\(/.test(field))
    return Number.isNaN(number) ? undefined : String(number);
  const [unit, ms] = DURATIONS.find(([, one]) => number >= one && number % one === 0) ?? ["", 1_000];
  return `${number / ms}${unit}`;
}
