import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createManualClock } from "@msdha/clock";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { openGroupFiles } from "./current-master.ts";

/** Nothing ends a wait by its time: this clock stands still. */
const clock = createManualClock();
const { signal } = new AbortController();

function writeMaster(dir: string, name: string): void {
  writeFileSync(join(dir, "current_master_address"), `${name}.example\n`);
  writeFileSync(join(dir, "current_master"), `${name}\n`);
}

test("tells of a master that came after the last look and before the wait", async () => {
  await using dir = tempDir();
  const group = openGroupFiles(dir.path, "a", clock);
  expect(group.master()).toBeUndefined();
  writeMaster(dir.path, "b");
  await group.change(1_000, signal);
  expect(group.master()).toEqual({ name: "b", address: "b.example" });
});

test("tells of a promotion that came after the last look and before the wait", async () => {
  await using dir = tempDir();
  const group = openGroupFiles(dir.path, "a", clock);
  expect(group.isMaster()).toBe(false);
  writeFileSync(join(dir.path, "is_master"), "");
  await group.change(1_000, signal);
  expect(group.isMaster()).toBe(true);
});

test("tells of a master that comes during the wait", async () => {
  await using dir = tempDir();
  const group = openGroupFiles(dir.path, "a", clock);
  expect(group.master()).toBeUndefined();
  const changed = group.change(1_000, signal);
  writeMaster(dir.path, "b");
  await changed;
  expect(group.master()?.name).toBe("b");
});

test("tells of a change once, also who looks at the other file only", async () => {
  await using dir = tempDir();
  const group = openGroupFiles(dir.path, "a", clock);
  expect([group.isMaster(), group.master()]).toEqual([false, undefined]);
  writeFileSync(join(dir.path, "is_master"), "");
  await group.change(1_000, signal);
  expect(group.master()).toBeUndefined();
  const again = group.change(1_000, signal).then(() => "again");
  const turns = new Promise((resolve) => setTimeout(resolve, 50, "quiet"));
  expect(await Promise.race([again, turns])).toBe("quiet");
  writeMaster(dir.path, "b");
  expect(await again).toBe("again");
});
