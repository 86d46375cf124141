import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { readBootTime, readProcessStart } from "../src/kernel-time.ts";

const inNamespace = ["--mount", "sh", "-c", 'mount --bind "$1" /proc/uptime && shift && exec "$@"', "sh"];

function findObstacle(): string | undefined {
  const { status, stderr } = spawnSync("unshare", ["--mount", "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `no mount namespace here: ${stderr?.trim()}`;
}

const obstacle = findObstacle();

test(`is not moved by what another program makes of /proc/uptime${obstacle ? ` (skipped: ${obstacle})` : ""}`, {
  skip: obstacle !== undefined,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "msdha-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "uptime");
  writeFileSync(file, "100.00 1.00\n");
  const script = fileURLToPath(new URL("leaping-uptime.ts", import.meta.url));
  const node = [process.execPath, "--conditions=@msdha/source", script, file];
  const output = execFileSync("unshare", [...inNamespace, file, ...node], { encoding: "utf8" });
  const { moved, leaps } = JSON.parse(output) as { moved: number[]; leaps: number };
  for (const ms of moved) expect(Math.abs(ms)).toBeLessThan(5);
  expect(leaps).toBeGreaterThan(0);
});

test("the kernel's own word agrees with the boot-time clock, and a process began before it was asked", () => {
  const read = "use Time::HiRes 'clock_gettime'; print clock_gettime(7) * 1000";
  const before = Number(execFileSync("perl", ["-e", read], { encoding: "utf8" }));
  const boot = readBootTime() ?? Number.NaN;
  const after = Number(execFileSync("perl", ["-e", read], { encoding: "utf8" }));
  expect(boot).toBeGreaterThanOrEqual(before - 10);
  expect(boot).toBeLessThanOrEqual(after);
  expect(readProcessStart()).toBeLessThan(boot);
});
