import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";

const bin = fileURLToPath(new URL("../bin", import.meta.url));

/** Keeps the group's values as files, and knows three nodes. */
const MSDHA_BACKEND = `#!/bin/sh
case $1 in
  put) printf '%s' "$3" >"value-$2" ;;
  get) [ ! -e etcd-gone ] || exit 70; cat "value-$2" 2>/dev/null || exit 2 ;;
  nodes) printf '%s\\n' 'a ready 10.0.0.1' 'b ready 10.0.0.2' 'c running_not_ready 10.0.0.3' 'd ready 10.0.0.4' ;;
esac
`;

/** A folder as a node has it, and a way to run lines of a hook in it. */
async function hookPlace(master = "") {
  const folder = tempDir();
  const path = (name: string): string => join(folder.path, name);
  writeFileSync(path("msdha-backend"), MSDHA_BACKEND, { mode: 0o755 });
  writeFileSync(path("current_master_address"), master === "" ? "" : `${master}\n`);
  return {
    path,
    run: (lines: string) =>
      execa("sh", ["-euc", `. msdha-hooks.sh\n${lines}`], {
        cwd: folder.path,
        env: {
          PATH: `${folder.path}:${bin}:${process.env["PATH"]}`,
          MSDHA_RUN_DIR: folder.path,
          MSDHA_NAME: "a",
        },
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

describe("lacks_end", () => {
  const place = async () => {
    const at = await hookPlace();
    await at.run("echo 7 >note; MSDHA_FENCING_TOKEN=7 note_end note 100");
    return at;
  };
  const lacks = async (at: Awaited<ReturnType<typeof hookPlace>>, position: string, note = "note") =>
    (await at.run(`lacks_end ${note} ${position} || exit 1`)).exitCode === 0;

  test("compares with what the last master has noted, as numbers of any length", async () => {
    await using at = await place();
    expect(await lacks(at, "99")).toBe(true);
    expect(await lacks(at, "100")).toBe(false);
    expect(await lacks(at, "101")).toBe(false);
    await at.run("MSDHA_FENCING_TOKEN=7 note_end note 20261130175400000001");
    expect(await lacks(at, "20261130175400000000")).toBe(true);
    expect(await lacks(at, "20261130175400000001")).toBe(false);
  });

  test("says what the data lack, and how to go on without it", async () => {
    await using at = await place();
    const { stderr } = await at.run("lacks_end note 99");
    expect(stderr).toMatch(/^these data end at 99, and the last master was at 100: .* msdha promote/);
  });

  test("reads the data's history from the standard input", async () => {
    await using at = await place();
    expect((await at.run("echo 7 | lacks_end - 99 || exit 1")).exitCode).toBe(0);
    expect((await at.run("echo 8 | lacks_end - 99 || exit 1")).exitCode).toBe(1);
  });

  test("does not count where the data are of another history, or none is noted", async () => {
    await using at = await place();
    writeFileSync(at.path("note"), "8\n");
    expect(await lacks(at, "1")).toBe(false);
    expect(await lacks(at, "1", "no-note")).toBe(false);
    await using fresh = await hookPlace();
    writeFileSync(fresh.path("note"), "7\n");
    expect(await lacks(fresh, "1")).toBe(false);
  });

  test("holds where etcd can't be asked", async () => {
    await using at = await place();
    writeFileSync(at.path("etcd-gone"), "");
    expect(await lacks(at, "101")).toBe(true);
  });
});

test("note_end notes nothing before the master's history has begun", async () => {
  await using place = await hookPlace();
  const { exitCode } = await place.run("printf '7\\n6\\n' >note; MSDHA_FENCING_TOKEN=7 note_end note 100");
  expect(exitCode).toBe(0);
  expect(existsSync(place.path("value-end"))).toBe(false);
});

test("ready_nodes prints the addresses of the other nodes that are ready", async () => {
  await using place = await hookPlace();
  expect((await place.run("ready_nodes")).stdout).toBe("10.0.0.2\n10.0.0.4");
});

test.each([
  ["", "", 1],
  ["yes", "", 0],
  ["no", "1", 0],
])("accepts_loss: %j as the setting and %j by an operator end with %i", async (setting, ordered, code) => {
  await using place = await hookPlace();
  const { exitCode } = await place.run(`MSDHA_ACCEPT_LOSS=${ordered}; accepts_loss "${setting}" || exit 1`);
  expect(exitCode).toBe(code);
});
