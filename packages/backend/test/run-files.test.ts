import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRunFiles } from "../src/run-files.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "run-"));
});
afterEach(() => rm(dir, { recursive: true }));

const read = (name: string): Promise<string> => readFile(join(dir, name), "utf8");

test("removes what a former run left and tells its id", async () => {
  const former = await openRunFiles(dir);
  await former.setMaster(true);
  await former.setCurrentMaster({ name: "a", address: "10.0.0.1" });
  const files = await openRunFiles(dir);
  expect(files.formerRunId).toBe(former.runId);
  expect(files.runId).not.toBe(former.runId);
  expect((await readdir(dir)).sort()).toEqual(["current_master", "current_master_address", "run_id"]);
  expect(await read("current_master")).toBe("");
});

test("has no former run in an empty folder, or when its file is empty", async () => {
  expect((await openRunFiles(dir)).formerRunId).toBeUndefined();
  await writeFile(join(dir, "run_id"), "");
  expect((await openRunFiles(dir)).formerRunId).toBeUndefined();
});

test("writes the current master last in the order in which it was told", async () => {
  const files = await openRunFiles(dir);
  const writes = ["a", "b", "c"].map((name) => files.setCurrentMaster({ name, address: `${name}.net` }));
  await Promise.all(writes);
  expect([await read("current_master"), await read("current_master_address")]).toEqual(["c\n", "c.net\n"]);
  await files.setCurrentMaster(undefined);
  expect(await read("current_master")).toBe("");
});

test("leaves the files alone when it is told the same master again", async () => {
  const files = await openRunFiles(dir);
  await files.setCurrentMaster({ name: "a", address: "10.0.0.1" });
  await writeFile(join(dir, "current_master"), "mark");
  await files.setCurrentMaster({ name: "a", address: "10.0.0.1" });
  expect(await read("current_master")).toBe("mark");
  await files.setCurrentMaster({ name: "a", address: "10.0.0.2" });
  expect([await read("current_master"), await read("current_master_address")]).toEqual(["a\n", "10.0.0.2\n"]);
});

test("writes again what could not be written", async () => {
  const files = await openRunFiles(dir);
  const obstacle = join(dir, "current_master.new");
  await mkdir(obstacle);
  await expect(files.setCurrentMaster({ name: "a", address: "10.0.0.1" })).rejects.toThrow("EISDIR");
  await rm(obstacle, { recursive: true });
  await files.setCurrentMaster({ name: "a", address: "10.0.0.1" });
  expect(await read("current_master")).toBe("a\n");
});

test("leaves no draft of a killed run", async () => {
  for (const name of ["run_id", "current_master", "current_master_address"]) {
    await writeFile(join(dir, `${name}.new`), "half");
  }
  await openRunFiles(dir);
  expect((await readdir(dir)).sort()).toEqual(["current_master", "current_master_address", "run_id"]);
});

test("has is_master while it is told to, and only then", async () => {
  const files = await openRunFiles(dir);
  await files.setMaster(true);
  expect(await readdir(dir)).toContain("is_master");
  await files.setMaster(false);
  await files.setMaster(false);
  expect(await readdir(dir)).not.toContain("is_master");
});

test("tells the next run how this one left", async () => {
  const former = await openRunFiles(dir);
  expect(former.formerEnd).toBeUndefined();
  await former.setEnd({ end: "unclean", state: "master" });
  expect((await openRunFiles(dir)).formerEnd).toEqual({ end: "unclean", state: "master" });
  await writeFile(join(dir, "last_end"), "half a li");
  expect((await openRunFiles(dir)).formerEnd).toBeUndefined();
});

test("removes what is only true while the node runs when it is closed, and writes it no more", async () => {
  const files = await openRunFiles(dir);
  await files.setMaster(true);
  const late = files.setCurrentMaster({ name: "a", address: "10.0.0.1" });
  await files.close();
  await late;
  await files.setCurrentMaster({ name: "b", address: "10.0.0.2" });
  expect(await readdir(dir)).toEqual(["run_id"]);
});
