import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdMember, startEtcd, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { left, openGroup, openSession, serving, startFrontend, startNamedServer } from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe("a frontend in a planned stop", () => {
  it("confirms that it sends nothing new to the stopping master, and is gone from etcd when it stops", async () => {
    await using group = openGroup(etcd, "confirm");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STOP_GRACE: "0.2" },
    });
    await using a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    const term = await group.becomeMaster("a", { address: a.address });
    await serving(frontend, "a");
    await waitFor(async () => (await left(group)) === 0, { what: "the frontend's key" });
    const { taken } = a;
    await term.beginStop();
    await waitFor(async () => (await left(group)) === term.token, { what: "the confirmation" });
    using waiting = openSession(frontend.port);
    await frontend.until("a waiting connection", ({ traffic }) => traffic?.waiting === 1);
    expect([waiting.open, a.taken]).toEqual([true, taken]);
    frontend.child.send("SIGTERM");
    await waitFor(async () => (await left(group)) === undefined, { what: "the key to go" });
  });

  it.each([1, 60])("confirms only when %i sessions that had just begun were answered", async (sessions) => {
    await using group = openGroup(etcd, `young${sessions}`);
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using slow = await startSilentServer({ address: "127.0.0.2", port: frontend.port });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    await waitFor(async () => (await left(group)) === 0, { what: "the frontend's key" });
    const clients = Array.from({ length: sessions }, () => connect(frontend.port, "127.0.0.1"));
    for (const client of clients) {
      client.on("error", () => {});
      client.write("hello");
    }
    await waitFor(() => slow.sockets.length === sessions, { what: "the clients at the server" });
    await term.beginStop();
    await frontend.until("a drain", ({ route, haproxy }) => route === "drain" && haproxy.settled);
    await sleep(400);
    expect(await left(group)).toBe(0);
    for (const socket of slow.sockets) socket.write("welcome");
    await waitFor(async () => (await left(group)) === term.token, { what: "the confirmation" });
    for (const client of clients) client.destroy();
  });
});

/** A server that takes connections and says nothing by itself. */
async function startSilentServer({
  address,
  port,
}: {
  readonly address: string;
  readonly port: number;
}): Promise<{ readonly sockets: readonly Socket[] } & AsyncDisposable> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {}).resume()));
  server.listen(port, address);
  await once(server, "listening");
  return {
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
