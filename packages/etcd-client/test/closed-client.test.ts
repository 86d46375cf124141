import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { startEtcd, startTcpProxy, type TcpProxy, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { connectEtcd, EtcdUnavailableError } from "../src/index.ts";
import { settingsFor } from "./support.ts";

const limit = { timeoutMs: 5_000 };
const key = { key: "k" };
/** Longer than gRPC waits between two dials. */
const QUIET_MS = 2_500;

/** Sockets that this process has begun to connect, those too that were given up before they were connected. */
let dials = 0;
subscribe("net.client.socket", () => {
  dials += 1;
});

/** Asserts that all connections through the proxy end, and that nothing is dialled any more. */
async function expectQuiet({ counters }: TcpProxy): Promise<void> {
  await waitFor(() => counters.open === 0, { what: "every connection to be gone" });
  await sleep(QUIET_MS);
  const before = dials;
  await sleep(QUIET_MS);
  expect({ dialled: dials - before, open: counters.open }).toEqual({ dialled: 0, open: 0 });
}

/** A client may be closed at any moment of its first dial: before, during and after the resolution of the address. */
const moments: readonly (readonly [string, () => Promise<void>])[] = [
  ...Array.from({ length: 40 }, (_, count) => [`${count} microtasks`, () => microtasks(count)] as const),
  ...Array.from({ length: 12 }, (_, count) => [`${count} turns`, () => turns(count)] as const),
];

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await Promise.resolve();
}

async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await turn();
}

describe("a client that is closed", () => {
  test("while it dials, at any moment, dials no more and leaves no connection behind", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd.clientPort);
    for (const [, pass] of moments) {
      const client = connectEtcd(settingsFor(proxy.address));
      const call = client.range(key, limit);
      const outcome = call.then(
        () => undefined,
        (error: unknown) => error,
      );
      await pass();
      await client[Symbol.asyncDispose]();
      expect((await outcome) ?? new EtcdUnavailableError("answered")).toBeInstanceOf(EtcdUnavailableError);
    }
    await expectQuiet(proxy);
  });

  test("after the member had closed its connections leaves none behind", async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd.clientPort);
    const client = connectEtcd(settingsFor(proxy.address));
    for (let round = 0; round < 10; round += 1) {
      await client.range(key, limit);
      proxy.cut();
    }
    await client[Symbol.asyncDispose]();
    await expectQuiet(proxy);
  });
});

test("a connection that its member has closed is not dialled again by itself", async () => {
  await using etcd = await startEtcd();
  await using proxy = await startTcpProxy(etcd.clientPort);
  await using client = connectEtcd(settingsFor(proxy.address));
  const watch = client.watch(key, { signal: new AbortController().signal });
  const ended = (async () => {
    for await (const _ of watch);
  })().catch((error: unknown) => error);
  await client.range(key, limit);
  proxy.cut();
  expect(await ended).toBeInstanceOf(EtcdUnavailableError);
  await expectQuiet(proxy);
  await client.range(key, limit);
  expect(proxy.counters.open).toBe(1);
});
