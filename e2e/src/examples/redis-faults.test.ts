import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startRedisGroup, untilSynced } from "./redis-group.ts";

describe("the Redis example, when something goes wrong", () => {
  test("counts no data that are not in the append-only file yet", async () => {
    await using redis = await startRedisGroup();
    const first = redis.start(0);
    await redis.masterAmong([first]);
    const keys = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key-${n}`, "1"]));
    await redis.connect(0).mset(keys);
    // The second one has a copy soon, and needs minutes to write it to its own file.
    const conf = join(redis.group.dir, "slow.conf");
    writeFileSync(conf, "rdb-key-save-delay 5000000\n");
    const copying = redis.start(1, { REDIS_CONF: conf });
    await untilSynced(redis, [1]);
    const note = join(redis.group.dir, "redis-r2", "data", "msdha-history");
    let looks = 0;
    await waitFor(() => ++looks > 30 || existsSync(note), { what: "time to take a note", intervalMs: 100 });
    for (const node of [copying, first]) {
      node.child.send("SIGKILL");
      await node.exited();
    }
    const again = redis.start(1);
    await again.logged(/no data yet: waiting for a master/, 60_000);
    redis.start(0);
    await redis.group.state("r2", "ready", 60_000);
    expect(await redis.connect("frontend").dbsize()).toBe(100);
    expect(await redis.connect(1).dbsize()).toBe(100);
  }, 180_000);

  test.each(["stopped", "crashed"])(
    "promotes no node that was away while the master that %s was alone",
    async (end) => {
      await using redis = await startRedisGroup();
      const first = redis.start(0);
      await redis.masterAmong([first]);
      const second = redis.start(1);
      await redis.group.state("r2", "ready", 60_000);
      await untilSynced(redis, [1]);
      second.stop();
      await second.exited();
      expect(await redis.connect(0).set("late", "1")).toBe("OK");
      if (end === "stopped") {
        first.stop();
      } else {
        const [, offset] = /master_repl_offset:(\d+)/.exec(await redis.connect(0).info("replication")) ?? [];
        const known = async (): Promise<boolean> =>
          Number(((await redis.group.keys())["_value/end"] ?? "").split(" ").at(1)) >= Number(offset);
        await waitFor(known, { what: "the position of the lonely master", timeoutMs: 60_000 });
        first.child.send("SIGKILL");
      }
      await first.exited();
      const late = redis.start(1);
      await late.logged(/the last master was at/, 60_000);
      redis.start(0);
      await redis.masterAmong([redis.nodes[0] ?? first]);
      expect(await redis.connect("frontend").get("late")).toBe("1");
      await redis.group.state("r2", "ready", 60_000);
    },
    180_000,
  );
});
