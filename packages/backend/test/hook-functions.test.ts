import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";

const bin = fileURLToPath(new URL("../bin", import.meta.url));

/** A folder as a node has it, and a way to run lines of a hook in it. */
async function hookPlace(master = "") {
  const folder = tempDir();
  const path = (name: string): string => join(folder.path, name);
  writeFileSync(path("current_master_address"), master === "" ? "" : `${master}\n`);
  return {
    path,
    run: (lines: string) =>
      execa("sh", ["-euc", `. msdha-hooks.sh\n${lines}`], {
        cwd: folder.path,
        env: { PATH: `${bin}:${process.env["PATH"]}`, MSDHA_RUN_DIR: folder.path, MSDHA_NAME: "a" },
        reject: false,
      }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("follow_master", () => {
  test("runs the command for the master's address, and gives back what it ends with", async () => {
    await using place = await hookPlace("10.0.0.2");
    const { stdout, exitCode } = await place.run("f() { echo \"$@\"; return 7; }; follow_master f 'a b'");
    expect({ stdout, exitCode }).toEqual({ stdout: "a b 10.0.0.2", exitCode: 7 });
  });

  test("does nothing where there is no master", async () => {
    await using place = await hookPlace();
    expect(await place.run("follow_master false")).toMatchObject({ stdout: "", exitCode: 0 });
  });

  test("does nothing after a promotion that it had to wait for", async () => {
    await using place = await hookPlace("10.0.0.2");
    const promotion = place.run(
      "promote() { : >promoting; until [ -e is_master ]; do sleep 0.01; done; }; exclusively promote",
    );
    await place.run("until [ -e promoting ]; do sleep 0.01; done");
    const late = place.run("echo here >&2; : >waiting; follow_master touch followed");
    await place.run("until [ -e waiting ]; do sleep 0.01; done; sleep 0.1");
    writeFileSync(place.path("is_master"), "");
    expect((await promotion).exitCode).toBe(0);
    expect((await late).exitCode).toBe(0);
    expect(existsSync(place.path("followed"))).toBe(false);
  });
});

test("write_whole leaves a whole file when many write at once, and none fails", async () => {
  await using place = await hookPlace();
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(2_000));
  const ends = await Promise.all(texts.map((text) => place.run(`echo ${text} | write_whole note`)));
  expect(ends.map(({ exitCode, stderr }) => `${exitCode} ${stderr}`)).toEqual(texts.map(() => "0 "));
  expect(texts).toContain(readFileSync(place.path("note"), "utf8").trimEnd());
});

test("say_once says a line again only when another came between", async () => {
  await using place = await hookPlace();
  const { stderr } = await place.run("for text in a a 'b c' 'b c' a; do say_once \"$text\"; done");
  expect(stderr).toBe("a\nb c\na");
});
