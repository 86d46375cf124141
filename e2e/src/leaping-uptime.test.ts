import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { bootTime } from "./support/boot-time.ts";
import { startGroup } from "./support/group.ts";

/** What the machine may be late by, which is busy with other tests. */
const SLACK_MS = 500;

function findObstacle(): string | undefined {
  const { status, stderr } = spawnSync("unshare", ["--mount", "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `no mount namespace here: ${stderr?.trim()}`;
}

const obstacle = findObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";

/** A file that says what time it is, as another program makes it, and may be told to leap. */
function serveUptime(file: string): Disposable & { leapTo(seconds: number): void } {
  const fd = openSync(file, "w");
  let ahead = 1_000_000 - bootTime();
  // Over what is there: a file that is empty for a moment would be something else.
  const write = (): void => void writeSync(fd, `${((bootTime() + ahead) / 1000).toFixed(2)} 1.00\n`, 0);
  write();
  const timer = setInterval(write, 5);
  return {
    leapTo(seconds) {
      ahead = seconds * 1000 - bootTime();
      write();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      closeSync(fd);
    },
  };
}

describe(`a master whose /proc/uptime leaps${because}`, { skip: obstacle !== undefined }, () => {
  test("stays master, says so, and is gone 1.75 TTL after its last proof when it is frozen then", async () => {
    await using group = await startGroup({ ttlSeconds: 6 });
    const file = join(group.dir, "uptime");
    using served = serveUptime(file);
    const script = 'mount --bind "$1" /proc/uptime && shift && exec "$@"';
    const node = group.start("a", { within: ["unshare", "--mount", "sh", "-c", script, "sh", file] });
    await group.masterAmong([node]);
    served.leapTo(bootTime() / 1000 + 86_400); // as when the program that served it has ended
    expect(await node.logged(/uptime leapt by \d+ ms, but the kernel says/)).toMatch(/WARN/);
    await setTimeout(group.ttlMs);
    expect(node.child.running).toBe(true);
    expect(await group.master()).toBe("a");

    served.leapTo(bootTime() / 1000 + 86_400 + 3); // no more than a lease bears
    await setTimeout(group.ttlMs / 3);
    node.child.freeze();
    const frozenAt = bootTime();
    await setTimeout(2 * group.ttlMs);
    const lastBeat = Math.max(...group.journal.of("a", "beat").map(({ at }) => at));
    expect(lastBeat).toBeLessThan(frozenAt + 1.75 * group.ttlMs + SLACK_MS);
  });
});
