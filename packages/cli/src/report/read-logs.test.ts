import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readLogs } from "./read-logs.ts";

const dir = mkdtempSync(join(tmpdir(), "msdha-logs-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Lines as `docker compose logs` prints them. */
function linesOf(container: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${container.padEnd(8)} | line ${index + 1}`);
}

test("keeps the end of each container's lines, wherever docker compose logs has printed them", async () => {
  const file = join(dir, "compose.log");
  const lines = [...linesOf("db1-1", 30), ...linesOf("etcd1-1", 2_500), ...linesOf("etcd2-1", 2_500)];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const [log] = await readLogs([file]);
  const kept = log?.text.trimEnd().split("\n") ?? [];
  const ofContainer = (name: string): readonly string[] => kept.filter((line) => line.startsWith(name));
  expect(ofContainer("db1-1")).toEqual(linesOf("db1-1", 30));
  for (const name of ["etcd1-1", "etcd2-1"])
    expect(ofContainer(name)).toEqual(linesOf(name, 2_500).slice(500));
});

test("keeps the end of a log of one program", async () => {
  const file = join(dir, "program.log");
  const lines = Array.from({ length: 3_000 }, (_, index) => `line ${index + 1} a | b`);
  writeFileSync(file, lines.join("\n"));
  const [log] = await readLogs([file]);
  expect(log?.text.split("\n")).toEqual(lines.slice(1_000));
});
