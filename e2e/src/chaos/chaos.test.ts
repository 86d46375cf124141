import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild, tempDir, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import type { Report } from "./report.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const MINUTES = 2;
const LIMIT_MS = 6 * 60_000;

/** Why there can be no chaos here, if that is so. */
function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces take root";
  const script = "ip link add v0 type veth peer name v1 && nft add table inet chaos";
  const { status, stderr } = spawnSync("unshare", [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "sh",
    "-c",
    script,
  ]);
  return status === 0 ? undefined : `no network namespaces here: ${String(stderr).trim()}`;
}

const obstacle = findObstacle();

test.skipIf(obstacle)(
  `a group that is hurt at random for ${MINUTES} minutes keeps every promise${obstacle ? ` (skipped: ${obstacle})` : ""}`,
  { timeout: LIMIT_MS },
  async () => {
    await using folder = tempDir();
    const flags = ["--minutes", String(MINUTES), "--seed", "a fixed one", "--json"];
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
    expect(report.faultCount).toBeGreaterThan(5);
    expect(report.promotions).toBeGreaterThan(1);
    expect(report.visits.served).toBeGreaterThan(100);
    expect(report.hookCalls).toBeGreaterThan(100);
  },
);
