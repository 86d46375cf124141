import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { duration, port, wholeNumber, yesNo } from "./fields.ts";
import { readSettings } from "./read-settings.ts";
import { SettingsError } from "./settings-error.ts";

const schema = z.object({
  APP_GROUP: z.string().regex(/^(?!_)[^\s\p{C}\uFFFD]+$/u, "a name without white space"),
  APP_PORT: port().optional(),
  APP_TTL: wholeNumber({ min: 1, max: 60 }).default(10),
  APP_KEEP: duration().default(1_000),
  APP_FAST: yesNo().default(false),
  APP_SECRET: z.string().max(3, "at most 3 characters").optional(),
});
const options = { schema, prefix: "APP_", foreign: ["APP_X_*", "APP_OTHER"], secret: ["APP_SECRET"] };
let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "settings-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readSettings(environment, options);
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("reading settings", () => {
  test("reads values and fills in defaults; an empty variable is not given", () => {
    expect(readSettings({ APP_GROUP: "db", APP_TTL: "", APP_KEEP: "15m", APP_FAST: "yes" }, options)).toEqual(
      {
        APP_GROUP: "db",
        APP_TTL: 10,
        APP_KEEP: 900_000,
        APP_FAST: true,
      },
    );
  });

  test("reports every wrong variable, each in a line with what was expected and what it got", () => {
    expect(problemsOf({ APP_PORT: "eighty", APP_TTL: "0", APP_KEEP: "soon" })).toEqual([
      "APP_GROUP: expected a value: it is required",
      'APP_PORT: expected a whole number from 1 to 65535, got "eighty"',
      'APP_TTL: expected a whole number from 1 to 60, got "0"',
      'APP_KEEP: expected a length of time such as 90, 15m, 12h, 1d or infinity, got "soon"',
    ]);
  });

  test("names the nearest variable for an unknown one, and leaves other programs' alone", () => {
    expect(
      problemsOf({ APP_GROUP: "db", APP_PROT: "80", APP_X_MINE: "1", APP_OTHER: "1", OTHER: "1" }),
    ).toEqual(["APP_PROT: expected a known variable (APP_PORT?)"]);
  });

  test("reads a variable from a file, less one line end", () => {
    const file = join(dir, "group");
    writeFileSync(file, "db\n");
    expect(readSettings({ APP_GROUP_FILE: file }, options)).toMatchObject({ APP_GROUP: "db" });
    expect(problemsOf({ APP_GROUP_FILE: join(dir, "none") })).toEqual([
      `APP_GROUP_FILE: expected the path of a file that can be read (ENOENT), got "${join(dir, "none")}"`,
    ]);
    expect(problemsOf({ APP_GROUP_FILE: file, APP_GROUP: "db" })).toEqual([
      "APP_GROUP: expected either APP_GROUP or APP_GROUP_FILE, not both",
    ]);
  });

  test("never prints a secret", () => {
    expect(problemsOf({ APP_GROUP: "db", APP_SECRET: "hunter2" })).toEqual([
      'APP_SECRET: expected at most 3 characters, got "(not shown)"',
    ]);
  });

  test("never prints what may be a key or a URL with a password, nor what a file holds", () => {
    const hidden = "(not shown: it has a line end, an @ or -----)";
    const key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n";
    const file = join(dir, "key");
    writeFileSync(file, key);
    for (const value of [key, "5432\n", "u:hunter2@h", "-----BEGIN"]) {
      expect(problemsOf({ APP_GROUP: "db", APP_PORT: value })).toEqual([
        `APP_PORT: expected a whole number from 1 to 65535, got "${hidden}"`,
      ]);
    }
    expect(problemsOf({ APP_GROUP: "db", APP_PORT_FILE: file })).toEqual([
      `APP_PORT_FILE: expected a file with a whole number from 1 to 65535, got "${file}"`,
    ]);
    expect(problemsOf({ APP_GROUP_FILE: "hunter2" })).toEqual([
      'APP_GROUP_FILE: expected the path of a file that can be read (ENOENT), got "(not shown: no absolute path)"',
    ]);
  });

  test("takes an old spelling unless the right one is there", () => {
    const aliases = { aliases: { PAP_GROUP: "APP_GROUP" } };
    expect(readSettings({ PAP_GROUP: "old" }, { ...options, ...aliases })).toMatchObject({
      APP_GROUP: "old",
    });
    expect(readSettings({ PAP_GROUP: "old", APP_GROUP: "new" }, { ...options, ...aliases })).toMatchObject({
      APP_GROUP: "new",
    });
  });

  test("answers any value with a setting or with lines of plain text", () => {
    const value = fc.oneof(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.constantFrom("a\ufffdb", "a\nb", "\u001b[2J", "\u2028"),
    );
    fc.assert(
      fc.property(
        fc.record({ APP_GROUP: value, APP_TTL: value, APP_KEEP: value, APP_PORT: value }),
        (environment) => {
          for (const line of problemsOf(environment)) {
            expect(line).toMatch(/^APP_[A-Z]+: expected [^\p{Cc}]+$/u);
          }
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
