import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type EtcdMember,
  getFreePort,
  startEtcd,
  startEtcdCluster,
  startTcpProxy,
  tempDir,
  waitFor,
} from "../src/index.ts";
import { listen } from "../src/ports.ts";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("startEtcd", () => {
  test("answers, keeps its data over a restart, and leaves nothing behind", async () => {
    let pid: number;
    {
      await using etcd = await startEtcd();
      await etcd.etcdctl("put", "color", "green");
      await etcd.restart();
      await etcd.ready();
      expect(await etcd.etcdctl("get", "color", "--print-value-only")).toBe("green\n");
      pid = etcd.pid;
    }
    expect(isAlive(pid)).toBe(false);
  });

  test("does not answer while it is frozen", async () => {
    await using etcd = await startEtcd();
    etcd.freeze();
    await expect(etcd.etcdctl("get", "color", "--command-timeout=300ms")).rejects.toThrow(/deadline/);
    etcd.thaw();
    await etcd.ready();
  });

  test("asks for a password and a client certificate when told to", async () => {
    const users = [{ name: "app", password: "sesame", prefix: "/app/" }];
    await using etcd = await startEtcd({ tls: true, auth: { rootPassword: "secret", users } });
    await expect(etcd.etcdctl("get", "/app/", "--user=app:wrong")).rejects.toThrow(/authentication failed/);
    await expect(etcd.etcdctl("get", "/other/", "--user=app:sesame")).rejects.toThrow(/permission denied/);
    expect(etcd.endpoint).toMatch(/^https:/);
    await etcd.etcdctl("put", "/app/color", "green");
  });
});

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "etcd dies with a test process that gets %s",
  async (signal) => {
    const holder = fork(join(import.meta.dirname, "programs", "hold-etcd.ts"));
    const ended = once(holder, "exit");
    const [pid] = (await once(holder, "message")) as [number];
    expect(isAlive(pid)).toBe(true);
    holder.kill(signal);
    expect((await ended)[1]).toBe(signal);
    await waitFor(() => !isAlive(pid), { what: "etcd to be dead" });
  },
);

test("a cluster elects another leader when its leader is killed, and takes it back", async () => {
  await using cluster = await startEtcdCluster(3);
  const old = await cluster.leader();
  const member = cluster.members[old];
  await member?.kill();
  expect(await cluster.leader()).not.toBe(old);
  await member?.restart();
  await cluster.ready();
});

test("a leader that is cut off from its cluster is replaced, still takes clients, and comes back", async () => {
  await using cluster = await startEtcdCluster(3, { isolatable: true });
  const old = await cluster.leader();
  const member = cluster.members[old] as EtcdMember;
  await cluster.isolate(old);
  await waitFor(async () => (await cluster.leader()) !== old, { what: "another leader", timeoutMs: 20_000 });
  await expect(member.etcdctl("get", "k", "--command-timeout=500ms")).rejects.toThrow(/deadline/);
  await member.etcdctl("get", "k", "--consistency=s");
  await cluster.rejoin(old);
  await cluster.ready();
});

describe("startTcpProxy", () => {
  async function startEcho(): Promise<AsyncDisposable & { port: number }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    return {
      port: await listen(server),
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  function talk(port: number): { socket: Socket; heard: () => string; ended: () => string } {
    let text = "";
    let end = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      end = error.code ?? "error";
    });
    socket.on("end", () => {
      end ||= "end";
    });
    return { socket, heard: () => text, ended: () => end };
  }

  test("passes what it gets, both ways, to the end", async () => {
    await using echo = await startEcho();
    await using proxy = await startTcpProxy(echo.port);
    const { socket, heard, ended } = talk(proxy.port);
    socket.end("hello");
    await waitFor(ended, { what: "the end" });
    expect(heard()).toBe("hello");
    await waitFor(() => proxy.counters.open === 0, { what: "the connection to be gone" });
    expect(proxy.counters).toMatchObject({ accepted: 1, bytesUp: 5, bytesDown: 5, cuts: 0 });
  });

  test("holds everything back while it is silent, a reset too, and sends it on afterwards", async () => {
    let accepted: Socket | undefined;
    const server = createServer((socket) => {
      accepted = socket;
      socket.on("error", () => {});
    });
    await using proxy = await startTcpProxy(await listen(server));
    const { socket, heard, ended } = talk(proxy.port);
    socket.write("a");
    await waitFor(() => accepted && proxy.counters.bytesUp === 1, { what: "the server to be reached" });
    await proxy.setMode("silent");
    accepted?.write("late");
    accepted?.resetAndDestroy();
    const { socket: second } = talk(proxy.port);
    await waitFor(() => proxy.counters.accepted === 2, { what: "a new connection to be taken" });
    expect(heard() + ended()).toBe("");
    await proxy.setMode("pass");
    await waitFor(ended, { what: "the reset" });
    expect(ended()).toBe("ECONNRESET");
    for (const each of [socket, second]) each.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test("resets what is open when it is cut, and again after so many bytes", async () => {
    await using echo = await startEcho();
    await using proxy = await startTcpProxy(echo.port);
    const first = talk(proxy.port);
    await waitFor(() => proxy.counters.open === 1, { what: "a connection" });
    proxy.cut();
    await waitFor(first.ended, { what: "the first reset" });
    proxy.cutEveryBytes(10);
    const second = talk(proxy.port);
    second.socket.write("0123456789");
    await waitFor(second.ended, { what: "the second reset" });
    expect([first.ended(), second.ended(), proxy.counters.cuts]).toEqual(["ECONNRESET", "ECONNRESET", 2]);
  });

  test("refuses connections and takes them again", async () => {
    await using echo = await startEcho();
    await using proxy = await startTcpProxy(echo.port);
    await proxy.setMode("refuse");
    const refused = talk(proxy.port);
    await waitFor(refused.ended, { what: "the refusal" });
    expect(refused.ended()).toBe("ECONNREFUSED");
    await proxy.setMode("pass");
    const taken = talk(proxy.port);
    taken.socket.end("hello");
    await waitFor(taken.ended, { what: "the end" });
    expect(taken.heard()).toBe("hello");
  });
});

test("a temporary folder is gone after use", async () => {
  let path: string;
  {
    await using folder = tempDir();
    path = folder.path;
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
});

test("waiting in vain says what for and what was seen last", async () => {
  const port = await getFreePort();
  await expect(waitFor(() => port < 0, { timeoutMs: 50, what: "a negative port" })).rejects.toThrow(
    "waited 50 ms in vain for a negative port; last seen: false",
  );
});
