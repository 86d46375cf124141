import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readLogs } from "./read-logs.ts";

test("a log may be a pipe, as a shell makes one of <(docker logs db)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "msdha-logs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, "63");
  execFileSync("mkfifo", [pipe]);
  spawn("sh", ["-c", 'for i in 1 2 3; do echo "line $i"; sleep 0.05; done >"$0"', pipe], { stdio: "ignore" });
  expect((await readLogs([pipe]))[0]).toEqual({ name: "logs/1-63.txt", text: "line 1\nline 2\nline 3\n" });
});
