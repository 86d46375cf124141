import { type Environment, notBoth, readGiven } from "@msdha/settings/given";
import { parseDuration } from "../requests/parse-duration.ts";

/** `MSDHA_PARK` as a frontend reads it: how long connections wait, or what is wrong with it. */
export type Park = { readonly ms: number } | { readonly problem: string };

/** Returns what `MSDHA_PARK`, or the file that `MSDHA_PARK_FILE` names, says; undefined: this is no frontend, or it has the default. */
export function readPark(environment: Environment): Park | undefined {
  const given = readGiven(environment, "MSDHA_PARK");
  if (given === undefined) return undefined;
  switch (given.kind) {
    case "both":
      return { problem: `expected ${notBoth("MSDHA_PARK").expected}` };
    case "unreadable":
      return { problem: `expected the path of a file that can be read in MSDHA_PARK_FILE (${given.code})` };
    default:
      return parsePark(given.value);
  }
}

function parsePark(text: string): Park {
  // What connections are not to wait for; no other length of time may be 0.
  if (/^0+(?:\.0*)?[smhd]?$/.test(text)) return { ms: 0 };
  try {
    return { ms: parseDuration(text) };
  } catch (error) {
    const expected = error instanceof Error ? error.message : String(error);
    return { problem: `${expected}, got ${JSON.stringify(text)}` };
  }
}
