import { once } from "node:events";
import { connect, createServer } from "node:net";
import { type EtcdMember, getFreePort, startEtcd, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askName, openGroup, openSession, serving, startFrontend, startNamedServer } from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe("the ports of a frontend", () => {
  it("go to another port of the master where there is one", async () => {
    await using group = openGroup(etcd, "target");
    await using a = await startNamedServer("a");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_TARGET_PORT: String(a.port) },
    });
    await group.becomeMaster("a", { address: a.address });
    // The master is on the frontend's own address here, which is no loop, as its port is another one.
    await serving(frontend, "a");
    expect(await askName(frontend.port)).toBe("a");
    expect(await frontend.status()).toMatchObject({ ports: [{ listen: frontend.port, target: a.port }] });
  });

  it("are several of one group, and change the master together", async () => {
    await using group = openGroup(etcd, "several");
    await using plain = await startNamedServer("a, plain", { address: "127.0.0.2" });
    await using secure = await startNamedServer("a, secure", { address: "127.0.0.2" });
    await using _plain = await startNamedServer("b, plain", { address: "127.0.0.3", port: plain.port });
    await using _secure = await startNamedServer("b, secure", { address: "127.0.0.3", port: secure.port });
    const [one, two] = [await getFreePort(), await getFreePort()];
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_PORT: `${one},${two}`, MSDHA_TARGET_PORT: `${plain.port},${secure.port}` },
    });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    expect([await askName(one), await askName(two)]).toEqual(["a, plain", "a, secure"]);

    using session = openSession(two);
    await session.name;
    await term.vanish();
    await session.closed;
    using first = openSession(one);
    using second = openSession(two);
    await frontend.until("two that wait", ({ traffic }) => traffic?.waiting === 2);
    await group.becomeMaster("b", { address: "127.0.0.3" });
    expect(await Promise.all([first.name, second.name])).toEqual(["b, plain", "b, secure"]);
  });

  it("wait for each other: a stopping master is left only when every port has left it", async () => {
    await using group = openGroup(etcd, "leaving");
    await using a = await startNamedServer("a", { address: "127.0.0.2" });
    const [one, two] = [await getFreePort(), await getFreePort()];
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_PORT: `${one},${two}`, MSDHA_TARGET_PORT: `${a.port},${a.port}` },
    });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    await term.beginStop();
    await frontend.until("a drain", ({ route, haproxy }) => route === "drain" && haproxy.settled);
    const taken = a.taken;
    using first = openSession(one);
    using second = openSession(two);
    await frontend.until("two that wait", ({ traffic }) => traffic?.waiting === 2);
    expect(a.taken).toBe(taken);
    await term.giveBack();
    await group.becomeMaster("a", { address: "127.0.0.2" });
    expect(await Promise.all([first.name, second.name])).toEqual(["a", "a"]);
  });
});

describe("the port for readers", () => {
  it("goes to the ready nodes, and to the master where there is none", async () => {
    await using group = openGroup(etcd, "readers");
    await using a = await startNamedServer("a", { address: "127.0.0.2" });
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: a.port });
    await using _c = await startNamedServer("c", { address: "127.0.0.4", port: a.port });
    const readPort = await getFreePort();
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_TARGET_PORT: String(a.port), MSDHA_READ_PORT: String(readPort) },
    });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    await frontend.until("the master to take readers", ({ readers }) => readers.join() === "a");
    expect(await askName(readPort)).toBe("a");

    await group.becomeReady("b", "127.0.0.3");
    await group.becomeReady("c", "127.0.0.4");
    await frontend.until("the others to take readers", ({ readers }) => readers.join() === "b,c");
    await waitFor(
      async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => askName(readPort)));
        return [...new Set(answers)].toSorted().join() === "b,c";
      },
      { what: "both to be read from, and no other" },
    );
    expect(await askName(frontend.port)).toBe("a");

    await group.put("c", "running_not_ready");
    await frontend.until("one reader", ({ readers }) => readers.join() === "b");
    await waitFor(
      async () => (await Promise.all([1, 2, 3, 4].map(() => askName(readPort)))).join("") === "bbbb",
      {
        what: "no reader at c",
      },
    );
  });
});

it("readers go to no node that lacks too much, or does not say how much", async () => {
  await using group = openGroup(etcd, "near-readers");
  const readPort = await getFreePort();
  await using frontend = await startFrontend(etcd.endpoint, group.name, {
    env: { MSDHA_READ_PORT: String(readPort), MSDHA_READ_MAX_LAG: "1kB" },
  });
  await group.becomeMaster("a", { address: "127.0.0.2" });
  await group.becomeReady("b", "127.0.0.3");
  await group.becomeReady("c", "127.0.0.4");
  await frontend.until("the master to take readers", ({ readers }) => readers.join() === "a");
  await group.put("_report/b", JSON.stringify({ behind: 1024 }));
  await frontend.until("the node that is near", ({ readers }) => readers.join() === "b");
  await group.put("_report/c", JSON.stringify({ behind: 0 }));
  await frontend.until("both", ({ readers }) => readers.join() === "b,c");
  await group.put("_report/b", JSON.stringify({ behind: 1025 }));
  await frontend.until("the other one", ({ readers }) => readers.join() === "c");
  await group.put("_report/c", JSON.stringify({ note: "it has no master" }));
  await frontend.until("the master again", ({ readers }) => readers.join() === "a");
});

describe("the PROXY protocol", () => {
  it("takes the client's address to the master, whole", async () => {
    await using group = openGroup(etcd, "proxy");
    await using server = await startEcho();
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_TARGET_PORT: String(server.port), MSDHA_SEND_PROXY: "v1", MSDHA_ACCEPT_PROXY: "yes" },
    });
    await group.becomeMaster("a", { address: "127.0.0.1" });
    await serving(frontend, "a");
    const header = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 5678\r\n";
    const answer = await exchange(frontend.port, `${header}hello`);
    expect(answer).toBe(`${header}hello`);
  });

  it("is refused from clients that do not speak it where it is asked for", async () => {
    await using group = openGroup(etcd, "no-header");
    await using server = await startEcho();
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_TARGET_PORT: String(server.port), MSDHA_ACCEPT_PROXY: "yes" },
    });
    await group.becomeMaster("a", { address: "127.0.0.1" });
    await serving(frontend, "a");
    expect(await exchange(frontend.port, "hello, I speak no such thing\r\n")).toBe("");
    expect(server.taken).toBe(0);
  });

  it("is written in its second version too", async () => {
    await using group = openGroup(etcd, "second");
    await using server = await startEcho();
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_TARGET_PORT: String(server.port), MSDHA_SEND_PROXY: "v2" },
    });
    await group.becomeMaster("a", { address: "127.0.0.1" });
    await serving(frontend, "a");
    expect(await exchange(frontend.port, "hello")).toMatch(/^\r\n\r\n\0\r\nQUIT\n[\s\S]*hello$/);
  });
});

/** A server that sends back what it got, once that ends in "hello", and closes. */
async function startEcho(): Promise<AsyncDisposable & { readonly port: number; readonly taken: number }> {
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    let got = "";
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (chunk: string) => {
      got += chunk;
      if (got.endsWith("hello")) socket.end(got, "latin1");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    get taken() {
      return taken;
    },
    [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
  };
}

/** Sends something, and resolves with all that is answered until the connection is closed. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    answer += chunk;
  });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(text);
  await closed;
  return answer;
}
