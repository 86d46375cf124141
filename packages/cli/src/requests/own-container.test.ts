import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findOwnContainer } from "./own-container.ts";

const proc = mkdtempSync(join(tmpdir(), "msdha-proc-"));
afterAll(() => rmSync(proc, { recursive: true }));
mkdirSync(join(proc, "1"));
const first = (command: string): void => writeFileSync(join(proc, "1", "cmdline"), command);

test("is the node whose program is the first process here", () => {
  first("/opt/msdha/bin/linux-x64/msdha-guard\0--init\0node");
  expect(findOwnContainer({ MSDHA_NAME: "db1" }, proc)).toBe("db1");
  expect(findOwnContainer({}, proc)).toBe(hostname());
  const file = join(proc, "name");
  writeFileSync(file, "db2\n");
  expect(findOwnContainer({ MSDHA_NAME_FILE: file }, proc)).toBe("db2");
  expect(findOwnContainer({ MSHDA_NAME: "db3" }, proc)).toBe("db3");
});

test("is none in a frontend's container, on a machine, and where there is no /proc", () => {
  for (const command of ["node\0/opt/msdha/dist/msdha-frontend.mjs\0", "/sbin/init\0"]) {
    first(command);
    expect(findOwnContainer({ MSDHA_NAME: "db1" }, proc)).toBeUndefined();
  }
  expect(findOwnContainer({ MSDHA_NAME: "db1" }, "/nowhere")).toBeUndefined();
});
