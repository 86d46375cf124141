import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { RULES } from "./network.ts";
import type { Report } from "./report.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const MINUTES = 2;
const LIMIT_MS = 8 * 60_000;
/** Picked for what they do in the first two minutes: between them, almost every kind of fault. */
const SEEDS = [
  { seed: "2609", what: "with certificates and passwords" },
  { seed: "802", what: "with a full disk and clocks that are set" },
];

/** Why there can be no chaos here, if that is so. */
function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces take root";
  const script = `ip link add v0 type veth peer name v1 && nft '${RULES}'`;
  const flags = ["--net", "--mount", "--pid", "--fork"];
  const { status, stderr } = spawnSync("unshare", [...flags, "sh", "-c", script]);
  return status === 0 ? undefined : `no network namespaces here: ${String(stderr).trim()}`;
}

const obstacle = findObstacle();

const reason = obstacle ? ` (skipped: ${obstacle})` : "";

describe.skipIf(obstacle)(`a group that is hurt at random for ${MINUTES} minutes${reason}`, () => {
  test.concurrent.for(SEEDS)("keeps every promise $what", { timeout: LIMIT_MS }, async ({ seed }) => {
    await using folder = tempDir();
    const flags = ["--minutes", String(MINUTES), "--seed", seed, "--json"];
    await using child = startChild(process.execPath, ["--conditions=@msdha/source", main, ...flags], {
      logFile: join(folder.path, "log"),
    });
    await waitFor(() => !child.running, { what: "the end of the run", timeoutMs: LIMIT_MS, intervalMs: 200 });
    expect(child.exit?.code, child.log()).toBe(0);
    const report = JSON.parse(child.log().slice(child.log().indexOf("\n{\n"))) as Report;
    expect(report.overlaps).toEqual([]);
    expect(report.historyFailures).toEqual([]);
    expect(report.strayVisits).toEqual([]);
    expect(report.problems).toEqual([]);
    // A machine with much else to do may come to nothing in two minutes.
    if (report.load.highest > 4 * availableParallelism()) return;
    expect(report.faultCount).toBeGreaterThan(5);
    expect(report.promotions).toBeGreaterThan(1);
    expect(report.visits.served).toBeGreaterThan(100);
    expect(report.hookCalls).toBeGreaterThan(100);
  });
});
