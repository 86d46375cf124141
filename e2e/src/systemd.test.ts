import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import type { TestNode } from "./support/node.ts";

function findObstacle(): string | undefined {
  const { status, stderr } = spawnSync("unshare", ["--mount", "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `no mount namespace here: ${stderr?.trim()}`;
}

const obstacle = findObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";

/** Starts a node as systemd does: in the unit's control group, with a `systemctl` that tells the unit's settings. */
function startInUnit(group: TestGroup, name: string, settings: readonly string[]): TestNode {
  const [cgroup, bin] = [join(group.dir, "cgroup"), join(group.dir, `bin-${name}`)];
  writeFileSync(cgroup, "0::/system.slice/db.service\n");
  mkdirSync(bin);
  const answer = settings.map((setting) => `echo ${setting}`).join("\n");
  writeFileSync(join(bin, "systemctl"), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  const script = 'mount --bind "$1" /proc/$$/cgroup && shift && exec "$@"';
  return group.start(name, {
    within: ["unshare", "--mount", "sh", "-c", script, "sh", cgroup],
    env: { INVOCATION_ID: "0123456789abcdef", PATH: `${bin}:${process.env["PATH"]}` },
  });
}

describe(`a node that systemd starts${because}`, { skip: obstacle !== undefined }, () => {
  test("says at its start that the unit's KillMode is the wrong one, and its time too short", async () => {
    await using group = await startGroup();
    const a = startInUnit(group, "a", ["KillMode=control-group", "TimeoutStopUSec=5s"]);
    expect(await a.logged(/KillMode/)).toMatch(/WARN.*every process of db\.service.*set KillMode=mixed/);
    expect(await a.logged(/TimeoutStopSec/)).toMatch(/WARN.*systemd kills db\.service 5 s after SIGTERM/);
    await group.masterAmong([a]);
  });

  test("says nothing of a unit that fits", async () => {
    await using group = await startGroup();
    const a = startInUnit(group, "a", ["KillMode=mixed", "TimeoutStopUSec=1min 30s"]);
    await group.masterAmong([a]);
    expect(a.log()).not.toMatch(/KillMode|TimeoutStopSec/);
  });
});
