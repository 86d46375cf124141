import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFilesLimit } from "./open-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "msdha-limits-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("openFilesLimit", () => {
  it.each([
    ["Max open files            1024                 524288               files     \n", 524_288],
    [
      "Max open files            1024                 unlimited            files     \n",
      Number.POSITIVE_INFINITY,
    ],
    ["something else\n", 1_024],
  ])("reads the hard limit of %j", (text, limit) => {
    const file = join(folder, "limits");
    writeFileSync(
      file,
      `Limit                     Soft Limit           Hard Limit           Units     \n${text}`,
    );
    expect(openFilesLimit({ file })).toBe(limit);
  });

  it("takes the least that is common where nothing can be read", () => {
    expect(openFilesLimit({ file: join(folder, "nothing") })).toBe(1_024);
  });

  it("reads this machine's", () => {
    expect(openFilesLimit()).toBeGreaterThan(0);
  });
});
