import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { getFreePort, startChild, startEtcd, startTcpProxy, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { connectEtcd, connectMember, EtcdUnavailableError } from "../src/index.ts";
import { collect, settingsFor } from "./support.ts";

const limit = { timeoutMs: 5_000 };
const short = { timeoutMs: 400 };
const key = { key: "k" };

/** The process's own TCP sockets, those of servers and of tests too. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
}

/** A proxy whose open connections fall silent for good by `deafen`, while new ones pass. */
async function startDeafeningProxy(port: number) {
  let deaf = 0;
  const proxy = await startTcpProxy(port, {
    silenced: async () => {
      const number = proxy.counters.accepted;
      return () => number <= deaf;
    },
  });
  return Object.assign(proxy, {
    deafen: () => {
      deaf = proxy.counters.accepted;
    },
  });
}

test("all calls and watches share one TCP connection", async () => {
  await using etcd = await startEtcd();
  await using proxy = await startTcpProxy(etcd.clientPort);
  await using member = connectMember(settingsFor(proxy.address), 0);
  const { id } = await member.leaseGrant(60, limit);
  const watch = collect(member.watch(key, { signal: new AbortController().signal }));
  await Promise.all([
    member.range(key, limit),
    member.leaseKeepAlive(id, limit),
    member.leaseRevoke(id, limit),
  ]);
  await waitFor(() => watch.messages.length > 0, { what: "the watch" });
  expect(proxy.counters.accepted).toBe(1);
});

test("nothing is dialled before something is asked", async () => {
  await using etcd = await startEtcd();
  await using proxy = await startTcpProxy(etcd.clientPort);
  await using member = connectMember(settingsFor(proxy.address), 0);
  await using whole = connectEtcd(settingsFor(proxy.address, proxy.address));
  expect(proxy.counters.accepted).toBe(0);
  await member.range(key, limit);
  await whole.range(key, limit);
  expect(proxy.counters.accepted).toBe(2);
});

describe("a connection that has gone silent", () => {
  test("is closed with all that runs on it once a call got no answer, and the next call dials anew", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd.clientPort);
    await using member = connectMember(settingsFor(proxy.address), 0);
    const watch = collect(member.watch(key, { signal: new AbortController().signal }));
    await waitFor(() => watch.messages.length > 0, { what: "the watch" });
    await proxy.setMode("silent");
    await expect(member.range(key, short)).rejects.toThrow(EtcdUnavailableError);
    expect(await watch.ended).toBeInstanceOf(EtcdUnavailableError);
    await expect(member.range(key, short)).rejects.toThrow(EtcdUnavailableError);
    expect(proxy.counters.accepted).toBe(2);
    await proxy.setMode("pass");
    await member.range(key, limit);
    expect(proxy.counters.accepted).toBe(3);
    await waitFor(() => proxy.counters.open === 1, { what: "the old connections to be gone" });
  });

  test("is closed, too, when a watch on it is given up for its silence", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd.clientPort);
    await using member = connectMember(settingsFor(proxy.address), 0);
    const given = new AbortController();
    const stream = member.watch(key, { signal: given.signal });
    const watch = collect(stream);
    await waitFor(() => watch.messages.length > 0, { what: "the watch" });
    await proxy.setMode("silent-down");
    stream.requestProgress();
    const before = proxy.counters.bytesUp;
    await waitFor(() => proxy.counters.bytesUp > before, { what: "the request to be sent" });
    const silentSince = performance.now();
    await waitFor(() => performance.now() - silentSince > 400, { what: "some silence" });
    given.abort(new EtcdUnavailableError("no progress"));
    await proxy.setMode("pass");
    await member.range(key, limit);
    expect(proxy.counters.accepted).toBe(2);
  });

  test("is kept when only one call was slow and others are answered", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd.clientPort);
    await using member = connectMember(settingsFor(proxy.address), 0);
    await member.range(key, limit);
    proxy.delayMs(300);
    const stop = new AbortController();
    const slow = member.range(key, { timeoutMs: 60_000, signal: stop.signal });
    slow.catch(() => {});
    await member.range(key, limit);
    stop.abort();
    await member.range(key, limit);
    expect(proxy.counters.accepted).toBe(1);
  });

  test("is replaced while its calls still wait, so that they need not be over first", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startDeafeningProxy(etcd.clientPort);
    await using member = connectMember(settingsFor(proxy.address), 0);
    await member.range(key, limit);
    proxy.deafen();
    const stuck = member.range(key, { timeoutMs: 60_000 });
    const outcome = expect(stuck).rejects.toThrow(EtcdUnavailableError);
    const stuckSince = performance.now();
    await waitFor(() => performance.now() - stuckSince > 600, { what: "some silence" });
    await member.range(key, { timeoutMs: 1_500 });
    await outcome;
  });
});

test("with one endpoint a second connection answers where the first is silent", async () => {
  await using etcd = await startEtcd();
  await using proxy = await startDeafeningProxy(etcd.clientPort);
  await using whole = connectEtcd(settingsFor(proxy.address));
  await whole.range(key, limit);
  proxy.deafen();
  const since = performance.now();
  await whole.range(key, { timeoutMs: 60_000 });
  expect(performance.now() - since).toBeLessThan(1_500);
  expect(proxy.counters.accepted).toBe(2);
});

describe("nothing is thrown past the caller", () => {
  // Vitest fails a run in which an error or a rejection was not handled.
  test("when connections are reset at every stage of a call", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd.clientPort);
    await using member = connectMember(settingsFor(proxy.address), 0);
    for (let round = 0; round < 60; round += 1) {
      const stop = new AbortController();
      // Handled from the first moment: what is looked for is a rejection that belongs to no call.
      const calls = Promise.allSettled([
        member.range(key, short),
        member.leaseKeepAlive("1", short),
        member.leaseGrant(5, { ...short, signal: stop.signal }),
      ]);
      const watch = collect(member.watch(key, { signal: stop.signal }));
      for (let turns = 0; turns < round % 6; turns += 1) await new Promise(setImmediate);
      proxy.cut();
      if (round % 2 === 0) stop.abort();
      proxy.cut();
      await calls;
      stop.abort();
      await watch.ended;
    }
    await member.range(key, limit);
  });

  test("when a balancer takes connections and resets them, as it does in front of a dead member", async () => {
    await using proxy = await startTcpProxy(await getFreePort());
    await using member = connectMember(settingsFor(proxy.address), 0);
    for (let round = 0; round < 100; round += 1) {
      await expect(member.range(key, short)).rejects.toThrow(EtcdUnavailableError);
    }
  });

  test("when a client is disposed of in the middle of everything", async () => {
    await using etcd = await startEtcd();
    for (let round = 0; round < 30; round += 1) {
      const whole = connectEtcd(settingsFor(`127.0.0.1:${etcd.clientPort}`, "127.0.0.1:1"));
      const stop = new AbortController();
      const calls = Promise.allSettled([
        whole.range(key, short),
        whole.leaseKeepAlive("1", short),
        whole.leaseGrant(5, short),
      ]);
      const watch = collect(whole.watch(key, { signal: stop.signal }));
      for (let turns = 0; turns < round % 10; turns += 1) await new Promise(setImmediate);
      await whole[Symbol.asyncDispose]();
      await calls;
      expect(await watch.ended).toBeInstanceOf(EtcdUnavailableError);
    }
  });
});

describe("no socket is left behind", () => {
  test("by a member that is gone, by one that is frozen, or by one whose packets are dropped", async () => {
    await using folder = tempDir();
    const port = await getFreePort();
    const script = join(folder.path, "deaf.mjs");
    await writeFile(
      script,
      `import { createServer } from "node:net";
      createServer().listen({ port: ${port}, host: "127.0.0.1", backlog: 1 }, () => {
        console.log("deaf");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`,
    );
    await using deaf = startChild(process.execPath, [script], { logFile: join(folder.path, "log") });
    await waitFor(() => deaf.log().includes("deaf"), { what: "the deaf server" });
    // With its backlog full, the kernel drops every further SYN.
    const fillers = [1, 2, 3].map(() => connect(port, "127.0.0.1"));
    await waitFor(() => fillers.filter(({ connecting }) => !connecting).length === 2, {
      what: "a full backlog",
    });
    await using etcd = await startEtcd();
    await using frozen = await startEtcd();
    frozen.freeze();
    const before = openSockets();
    {
      const addresses = [`127.0.0.1:${port}`, "127.0.0.1:1", `127.0.0.1:${frozen.clientPort}`];
      await using whole = connectEtcd(settingsFor(...addresses, `127.0.0.1:${etcd.clientPort}`));
      await whole.range(key, { timeoutMs: 10_000 });
      await using dropped = connectMember(settingsFor(`127.0.0.1:${port}`), 0);
      for (let round = 0; round < 3; round += 1) {
        await expect(dropped.range(key, short)).rejects.toThrow(EtcdUnavailableError);
        expect(openSockets()).toBeLessThan(before + 5);
      }
    }
    await waitFor(() => openSockets() <= before, { what: "every socket to be gone" });
    for (const filler of fillers) filler.destroy();
  });
});
