import { readFileSync } from "node:fs";
import { expect } from "vitest";

const page = readFileSync(new URL("../../../docs/command-json.md", import.meta.url), "utf8");
/** What has a section of its own on the page, by the field. */
const SECTIONS: Readonly<Record<string, string>> = {
  pause: "A request",
  switchover: "A request",
  "nodes[].hold": "A request",
  "nodes[].promotion": "A request",
  "nodes[].reinit": "A request",
  "absentReinits[].reinit": "A request",
  "absentHolds[].hold": "A request",
  "history[]": "A master's time",
};

/** Returns the fields that the page lists in a section. */
function listedIn(section: string): readonly string[] {
  const [, text = ""] =
    new RegExp(`^## ${section}\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(page) ?? [];
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, field = ""]) => field);
}

/**
 * Expects that objects which a command printed have the fields that the page lists for it: no other, and each in one of them at least.
 * `without`: fields of a section that this command does not print.
 */
export function expectListedFields(
  section: string,
  printed: readonly unknown[],
  { without = [] }: { readonly without?: readonly string[] } = {},
): void {
  const found = new Map<string, Set<string>>();
  const add = (name: string, field: string): void => {
    found.set(name, (found.get(name) ?? new Set()).add(field));
  };
  const walk = (value: unknown, path: string, name: string): void => {
    const own = name === section ? SECTIONS[path] : undefined;
    if (Array.isArray(value)) for (const each of value) walk(each, `${path}[]`, name);
    else if (own !== undefined && typeof value === "object" && value !== null) {
      add(name, path);
      walk(value, "", own);
    } else if (typeof value === "object" && value !== null) {
      if (path !== "" && !path.endsWith("]") && listedIn(name).includes(path)) add(name, path);
      for (const [key, part] of Object.entries(value)) walk(part, path === "" ? key : `${path}.${key}`, name);
    } else add(name, path);
  };
  for (const each of printed) walk(each, "", section);
  for (const [name, fields] of found) {
    const listed = listedIn(name).filter((field) => !without.includes(field));
    expect({ section: name, fields: [...fields].sort() }).toEqual({
      section: name,
      fields: listed.toSorted(),
    });
  }
  expect(found.size).toBeGreaterThan(0);
}
