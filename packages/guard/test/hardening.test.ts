import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { beforeAll, expect, test } from "vitest";
import { guardBinary, startGuard } from "../src/index.ts";
import { buildGuard } from "./support.ts";

beforeAll(buildGuard);

test("the guard's program is position-independent, needs no library, and checks its stack and its buffers", () => {
  const elf = readFileSync(guardBinary());
  const ET_DYN = 3;
  const PT_INTERP = 3;
  expect(elf.readUInt16LE(16)).toBe(ET_DYN);
  const headers = Number(elf.readBigUInt64LE(32));
  const [size, count] = [elf.readUInt16LE(54), elf.readUInt16LE(56)];
  const types = Array.from({ length: count }, (_, n) => elf.readUInt32LE(headers + n * size));
  expect(types).not.toContain(PT_INTERP);
  for (const message of ["stack smashing detected", "buffer overflow detected"]) {
    expect(elf.includes(message), message).toBe(true);
  }
});

test("a lock file that is a link, or no file, is refused and left as it is", async () => {
  await using folder = tempDir();
  const target = join(folder.path, "elsewhere");
  const link = join(folder.path, "lock");
  symlinkSync(target, link);
  await expect(startGuard({ lockFile: link })).rejects.toMatchObject({
    code: "ERR_GUARD_START",
    message: expect.stringMatching(/opening the lock file .*ELOOP/),
  });
  await expect(startGuard({ lockFile: "/dev/null" })).rejects.toMatchObject({
    code: "ERR_GUARD_START",
    message: expect.stringMatching(/no plain file/),
  });
});
