import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { readSecret, readSettings } from "./settings.ts";

test.each(["/v/data", "/v/data/", "/v/data//", "/v/data/.", "/v/data/./"])(
  "what is kept beside the data directory is beside PGDATA=%s, too",
  (path) => {
    expect(readSettings({ PGDATA: path })).toMatchObject({ data: "/v/data", parent: "/v" });
  },
);

test("a path of slashes only stays the root", () => {
  expect(readSettings({ PGDATA: "//" }).data).toBe("/");
});

test("the line end of a secret's file is no part of it, of whatever kind", async () => {
  await using folder = tempDir();
  const file = join(folder.path, "password");
  for (const end of ["", "\n", "\n\n", "\r\n", "\r\n\r\n"]) {
    writeFileSync(file, `it is secret ${end}`);
    expect(readSecret({ PASSWORD_FILE: file }, "PASSWORD")).toBe("it is secret ");
  }
});
