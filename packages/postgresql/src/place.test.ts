import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { logFolder } from "./place.ts";

test("the folder of the log is found where pg_wal is no link, and where it is one, relative or not", async () => {
  await using place = tempDir();
  const account = { act: <T>(action: () => T): T => action() };
  const folderOf = (name: string, link?: string): string => {
    const data = join(place.path, name);
    mkdirSync(data);
    if (link === undefined) mkdirSync(join(data, "pg_wal"));
    else symlinkSync(link, join(data, "pg_wal"));
    return logFolder({ account, settings: { data } } as Parameters<typeof logFolder>[0]);
  };
  expect(folderOf("plain")).toBe(join(place.path, "plain/pg_wal"));
  expect(folderOf("absolute", "/wal/here")).toBe("/wal/here");
  expect(folderOf("relative", "../log")).toBe(join(place.path, "log"));
});
