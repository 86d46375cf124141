import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../bin/archive-wal.sh", import.meta.url));
const NAME = "000000010000000000000007";

/** Archives a file with this text; `sync` is the text of a program to use in the place of the system's. */
function archive(folder: string, text: string, { sync }: { readonly sync?: string } = {}): number | null {
  const file = join(folder, NAME);
  writeFileSync(file, text);
  const programs = join(folder, "bin");
  mkdirSync(programs, { recursive: true });
  if (sync !== undefined) {
    writeFileSync(join(programs, "sync"), sync);
    chmodSync(join(programs, "sync"), 0o755);
  }
  mkdirSync(join(folder, "wal"), { recursive: true });
  const env = { PATH: `${programs}:${process.env["PATH"]}` };
  return spawnSync("sh", [script, join(folder, "wal"), file, NAME], { env }).status;
}

test("archives a file once, and no other one of its name", async () => {
  await using folder = tempDir();
  expect(archive(folder.path, "log")).toBe(0);
  expect(archive(folder.path, "log")).toBe(0);
  expect(archive(folder.path, "other")).toBe(1);
  expect(readFileSync(join(folder.path, "wal", NAME), "utf8")).toBe("log");
});

test("removes what a server that was killed has left of the file", async () => {
  await using folder = tempDir();
  mkdirSync(join(folder.path, "wal"));
  writeFileSync(join(folder.path, "wal", `.new-${NAME}.4711`), "lo");
  expect(archive(folder.path, "log")).toBe(0);
  expect(readdirSync(join(folder.path, "wal"))).toEqual([NAME]);
});

test("does not archive a file that can't be written to the disk", async () => {
  await using folder = tempDir();
  const sync = `#!/bin/sh\n[ $# = 0 ] || { echo "$1: Input/output error" >&2; exit 1; }\n`;
  expect(archive(folder.path, "log", { sync })).not.toBe(0);
  expect(readdirSync(join(folder.path, "wal"))).toEqual([]);
});

test("does not archive a file whose folder can't be written to the disk, and archives it when it can", async () => {
  await using folder = tempDir();
  const sync = `#!/bin/sh\n[ ! -d "$1" ] || { echo "sync: error syncing '$1': Input/output error" >&2; exit 1; }\n`;
  expect(archive(folder.path, "log", { sync })).not.toBe(0);
  expect(readdirSync(join(folder.path, "wal"))).toEqual([]);
  expect(archive(folder.path, "log", { sync: '#!/bin/sh\nexec /bin/sync "$@"\n' })).toBe(0);
  expect(archive(folder.path, "log", { sync })).not.toBe(0);
  expect(readdirSync(join(folder.path, "wal"))).toEqual([NAME]);
});

test("archives a file also where the file system can't write out a folder alone", async () => {
  await using folder = tempDir();
  const sync = `#!/bin/sh\n[ ! -d "$1" ] || { echo "sync: error syncing '$1': Invalid argument" >&2; exit 1; }\n`;
  expect(archive(folder.path, "log", { sync })).toBe(0);
});
