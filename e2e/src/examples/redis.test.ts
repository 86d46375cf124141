import { waitFor } from "@msdha/testkit";
import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { type RedisGroup, startRedisGroup, untilSynced } from "./redis-group.ts";

describe("the Redis example", () => {
  test("loses no acknowledged write in ten planned stops in a row under load", async () => {
    await using redis = await startRedisGroup({ password: 'a"b\\c d' });
    for (const index of [0, 1, 2]) redis.start(index);
    await redis.masterAmong(redis.nodes);
    const writer = startWriter(redis.connect("frontend"));
    for (let round = 0; round < 10; round += 1) {
      await everyNodeServes(redis);
      const master = await redis.masterAmong(redis.nodes);
      const index = redis.nodes.indexOf(master);
      const before = writer.acknowledged.length;
      master.stop();
      expect(await master.exited()).toBe(0);
      redis.start(index);
      await waitFor(() => writer.acknowledged.length > before + 20, { what: "writes to go on" });
    }
    await writer.end();
    await everyNodeServes(redis);
    expect(await missing(redis, writer.acknowledged)).toEqual([]);
    expect(writer.acknowledged.length).toBeGreaterThan(500);
  }, 240_000);

  test("hands over to nodes that came when it was the master already", async () => {
    await using redis = await startRedisGroup();
    const first = redis.start(0);
    await redis.masterAmong([first]);
    await redis.connect("frontend").set("a", "1");
    redis.start(1);
    redis.start(2);
    await everyNodeServes(redis);
    first.stop();
    await redis.masterAmong(redis.nodes.slice(1));
    expect(await redis.connect("frontend").get("a")).toBe("1");
  });

  test("goes on after its server was killed, and the former master follows with nothing of its own", async () => {
    await using redis = await startRedisGroup();
    for (const index of [0, 1, 2]) redis.start(index);
    const master = await redis.masterAmong(redis.nodes);
    await everyNodeServes(redis);
    const index = redis.nodes.indexOf(master);
    const direct = redis.connect(index);
    await direct.set("shared", "1");
    await untilSynced(
      redis,
      [0, 1, 2].filter((other) => other !== index),
    );
    // Cut off from its replicas, it takes a write that nobody else has.
    await direct.call("CLIENT", "KILL", "TYPE", "replica");
    await direct.set("alone", "1");
    const [, pid = ""] = /process_id:(\d+)/.exec(await direct.info("server")) ?? [];
    process.kill(Number(pid), "SIGKILL");
    await master.exited();
    const next = await redis.masterAmong(redis.nodes.filter((node) => node !== master));
    const client = redis.connect("frontend");
    expect(await client.get("shared")).toBe("1");
    await client.set("after", "1");
    redis.start(index);
    await redis.group.state(master.name, "ready");
    expect(next.child.running).toBe(true);
    const back = redis.connect(index);
    expect(await back.get("after")).toBe("1");
    expect(await back.get("alone")).toBe(await client.get("alone"));
  });

  test("has a whole group that was stopped come back with its data", async () => {
    await using redis = await startRedisGroup();
    for (const index of [0, 1, 2]) redis.start(index);
    await redis.masterAmong(redis.nodes);
    await everyNodeServes(redis);
    const client = redis.connect("frontend");
    for (let i = 0; i < 100; i += 1) await client.set(`key-${i}`, String(i));
    for (const node of redis.nodes) node.stop();
    for (const node of redis.nodes) await node.exited();
    for (const index of [0, 1, 2]) redis.start(index);
    await redis.masterAmong(redis.nodes);
    await waitFor(async () => (await client.get("key-99").catch(() => undefined)) === "99", {
      what: "the last key",
    });
    expect(await client.dbsize()).toBe(100);
  });

  test("promotes no node that was never synced with the last master", async () => {
    await using redis = await startRedisGroup();
    const first = redis.start(0);
    await redis.masterAmong([first]);
    await redis.connect(0).set("a", "1");
    first.stop();
    await first.exited();
    const second = redis.start(1);
    await second.logged(/no data yet: waiting for a master/);
    redis.start(0);
    await redis.masterAmong([redis.nodes[0] ?? first]);
    expect(await redis.connect("frontend").get("a")).toBe("1");
    await redis.group.state("r2", "ready");
  });
});

async function everyNodeServes(redis: RedisGroup): Promise<void> {
  await waitFor(
    async () => {
      const keys = await redis.group.keys();
      const states = redis.nodes.map(({ name }) => keys[name]).sort();
      return states.join() === "master,ready,ready";
    },
    { what: "one master and two ready nodes", timeoutMs: 60_000 },
  );
  const master = await redis.group.master();
  await untilSynced(
    redis,
    redis.nodes.flatMap(({ name }, index) => (name === master ? [] : [index])),
  );
}

/** Writes one key after the other, and keeps the numbers of those that were acknowledged. */
function startWriter(client: Redis): { readonly acknowledged: number[]; end(): Promise<void> } {
  const acknowledged: number[] = [];
  let going = true;
  const done = (async () => {
    for (let number = 0; going; number += 1) {
      const answer = await client.set(`n:${number}`, "1").catch(() => undefined);
      if (answer === "OK") acknowledged.push(number);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    acknowledged,
    async end() {
      going = false;
      await done;
    },
  };
}

async function missing(redis: RedisGroup, numbers: readonly number[]): Promise<readonly number[]> {
  const client = redis.connect("frontend");
  const found = await Promise.all(numbers.map((number) => client.exists(`n:${number}`)));
  return numbers.filter((_, index) => found[index] !== 1);
}
