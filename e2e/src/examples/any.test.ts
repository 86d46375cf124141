import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { type ExampleGroup, startExample } from "./hooks-group.ts";

function startAny(): Promise<ExampleGroup> {
  return startExample({
    name: "any",
    env: ({ address, port, shared }) => ({
      ANY_COMMAND: `redis-server --port ${port} --bind ${address} --dir ${shared} --appendonly yes --appendfsync always`,
      ANY_CHECK: `[ "$(redis-cli -h ${address} -p ${port} ping)" = PONG ]`,
      ANY_SHARED: shared,
    }),
  });
}

describe("the example of any program", () => {
  test("loses no acknowledged write in ten planned stops in a row under load, nor in a crash", async () => {
    await using group = await startAny();
    for (const index of [0, 1, 2]) group.start(index);
    await group.whole();
    using client = connect(group);
    const writer = startWriter(client.redis);
    for (let round = 0; round < 11; round += 1) {
      await waitFor(() => writer.acknowledged.length > 20 * round, { what: "writes", timeoutMs: 40_000 });
      await group.whole();
      const master = await group.masterAmong(group.nodes);
      // Nobody else runs the program.
      expect(group.nodes.filter((node) => existsSync(join(node.runDir, "serves")))).toEqual([master]);
      if (round < 10) master.stop();
      else process.kill(await serverOf(group), "SIGKILL");
      await master.exited();
      group.start(group.nodes.indexOf(master));
    }
    const before = writer.acknowledged.length;
    await waitFor(() => writer.acknowledged.length > before + 20, { what: "writes", timeoutMs: 40_000 });
    await writer.end();
    const found = await Promise.all(writer.acknowledged.map((number) => client.redis.exists(`n:${number}`)));
    expect(writer.acknowledged.filter((_, index) => found[index] !== 1)).toEqual([]);
    process.stdout.write(
      `ten planned stops and a crash: ${writer.acknowledged.length} acknowledged writes, none lost\n`,
    );
  }, 240_000);

  test("starts no program with a token that is older than the one on the shared storage", async () => {
    await using group = await startAny();
    const { shared } = group.place(0);
    const first = group.start(0);
    await waitFor(() => existsSync(join(shared, ".msdha-token")), { what: "the token", timeoutMs: 40_000 });
    const token = Number(readFileSync(join(shared, ".msdha-token"), "utf8"));
    expect(token).toBeGreaterThan(0);
    await waitFor(() => existsSync(join(first.runDir, "serves")), { what: "the program", timeoutMs: 40_000 });
    first.stop();
    await first.exited();
    // As a master of a later time would have left it.
    writeFileSync(join(shared, ".msdha-token"), String(token + 1_000_000));
    const again = group.start(0);
    expect(await again.exited(40_000)).toBe(75);
    expect(again.log()).toContain("not starting");
  });

  test("starts no program where the shared storage is not mounted, but where it is", async () => {
    await using group = await startAny();
    const token = join(group.place(0).shared, ".msdha-token");
    const first = group.start(0);
    await waitFor(() => existsSync(join(first.runDir, "serves")), { what: "the program", timeoutMs: 40_000 });
    first.stop();
    await first.exited();
    // An empty folder, as a mount that failed leaves it.
    renameSync(token, `${token}.elsewhere`);
    const again = group.start(0);
    await again.logged(/is it mounted/, 40_000);
    renameSync(`${token}.elsewhere`, token);
    await waitFor(() => existsSync(join(again.runDir, "serves")), { what: "the program", timeoutMs: 40_000 });
  }, 120_000);
});

function connect(group: ExampleGroup): Disposable & { readonly redis: Redis } {
  const { address: host, port } = group.frontend;
  const redis = new Redis({
    host,
    port,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
    connectTimeout: 30_000,
  });
  // Each command that fails says so to its caller.
  redis.on("error", () => {});
  return { redis, [Symbol.dispose]: () => redis.disconnect() };
}

async function serverOf(group: ExampleGroup): Promise<number> {
  const { address: host, port } = group.frontend;
  const redis = new Redis({ host, port });
  const [, pid = ""] = /process_id:(\d+)/.exec(await redis.info("server")) ?? [];
  redis.disconnect();
  return Number(pid);
}

/** Writes one key after the other, and keeps the numbers of those that were acknowledged. */
function startWriter(redis: Redis): { readonly acknowledged: number[]; end(): Promise<void> } {
  const acknowledged: number[] = [];
  let going = true;
  const done = (async () => {
    for (let number = 0; going; number += 1) {
      if ((await redis.set(`n:${number}`, "1").catch(() => undefined)) === "OK") acknowledged.push(number);
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
