import { once } from "node:events";
import { statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { json, ListenError, plain, type Reply, type Routes, serveRoutes } from "@msdha/status-port";
import { getFreePort, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, it } from "vitest";

const routes: Routes = {
  answers: {
    "/yes": () => plain(200, "yes"),
    "/no": () => plain(503, "no"),
    "/lag": (query) => json(200, { lag: query.get("lag") }),
    "/broken": () => Promise.reject(new Error("it broke")),
  },
  feeds: { "/events": (stream) => stream.send("state", '{"a":1}') },
};

async function serve(
  served: Routes = routes,
): Promise<AsyncDisposable & { readonly port: number; readonly url: string }> {
  const port = await getFreePort();
  const server = await serveRoutes(served, { port, host: "127.0.0.1" }, { name: `PORT ${port}` });
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Opens a connection and collects what comes; resolves with it when the other side has closed. */
function talk(port: number, text: string): { readonly socket: Socket; readonly ended: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(text);
  return { socket, ended: new Promise((resolve) => socket.once("close", () => resolve(received))) };
}

describe("serveRoutes", () => {
  it.each(["GET", "HEAD", "OPTIONS"])("answers %s with the code of the route", async (method) => {
    await using server = await serve();
    const yes = await fetch(`${server.url}/yes`, { method });
    const no = await fetch(`${server.url}/no`, { method });
    expect([yes.status, no.status]).toEqual([200, 503]);
    expect(await yes.text()).toBe(method === "GET" ? "yes\n" : "");
    expect(yes.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("refuses other methods, and names what there is for an unknown path", async () => {
    await using server = await serve();
    expect((await fetch(`${server.url}/yes`, { method: "POST" })).status).toBe(405);
    const unknown = await fetch(`${server.url}/constructor`);
    expect([unknown.status, await unknown.text()]).toEqual([404, "/yes /no /lag /broken /events\n"]);
  });

  it("hands on the query, and tells an error as one", async () => {
    await using server = await serve();
    expect(await (await fetch(`${server.url}/lag?lag=5`)).json()).toEqual({ lag: "5" });
    const broken = await fetch(`${server.url}/broken`);
    expect([broken.status, await broken.text()]).toEqual([500, "it broke\n"]);
  });

  it("tells a reply that HTTP can't have as an error, and cuts off the client of a feed that throws", async () => {
    const odd = (reply: unknown) => () => reply as Reply;
    const feed = (): void => {
      throw new Error("no feed");
    };
    const answers = {
      "/none": odd(undefined),
      "/code": odd({ ...plain(200, "x"), code: 9_999 }),
      "/header": odd({ ...plain(200, "x"), headers: { "a\nb": "c" } }),
    };
    await using server = await serve({ answers, feeds: { "/feed": feed } });
    for (const path of Object.keys(answers)) expect((await fetch(server.url + path)).status).toBe(500);
    await expect(fetch(`${server.url}/feed`).then((response) => response.text())).rejects.toThrow();
    expect((await fetch(`${server.url}/none`)).status).toBe(500);
  });

  it("takes a target that is no path for an unknown one", async () => {
    await using server = await serve();
    const { ended } = talk(server.port, "GET http://[ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    expect(await ended).toContain("404");
  });

  it("drops a connection that asks again before it was answered", async () => {
    await using server = await serve({
      answers: {
        "/slow": () => new Promise((resolve) => setTimeout(() => resolve(plain(200, "done")), 200)),
      },
    });
    const ask = "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";
    expect(await talk(server.port, ask + ask).ended).toBe("");
  });

  it("answers 100 requests a second, and lets more wait", async () => {
    let answered = 0;
    await using server = await serve({ answers: { "/count": () => plain(200, String(++answered)) } });
    const begun = performance.now();
    const ask = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) await (await fetch(`${server.url}/count`)).text();
    };
    await Promise.all(Array.from({ length: 20 }, ask));
    expect(answered).toBe(200);
    expect(performance.now() - begun).toBeGreaterThan(950);
  });

  it("sends events to 32 clients, and refuses the 33rd until one has gone", async () => {
    await using server = await serve();
    const ask = "GET /events HTTP/1.1\r\nhost: x\r\n\r\n";
    const clients = Array.from({ length: 32 }, () => talk(server.port, ask));
    await Promise.all(clients.map(({ socket }) => new Promise((resolve) => socket.once("data", resolve))));
    expect((await fetch(`${server.url}/events`)).status).toBe(503);
    expect((await fetch(`${server.url}/yes`)).status).toBe(200);
    clients[0]?.socket.destroy();
    const stream = await waitFor(
      async () => {
        const response = await fetch(`${server.url}/events`);
        return response.status === 200 ? response : undefined;
      },
      { what: "a place among the streams" },
    );
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const { value } = (await stream.body?.getReader().read()) ?? {};
    expect(new TextDecoder().decode(value)).toBe('event: state\ndata: {"a":1}\n\n');
    for (const { socket } of clients) socket.destroy();
  });

  it("cuts off a reader of events that reads nothing", async () => {
    const line = "x".repeat(64 * 1024);
    let ended: AbortSignal | undefined;
    await using server = await serve({
      answers: {},
      feeds: {
        "/events": (stream) => {
          ended = stream.ended;
          const timer = setInterval(() => stream.send("state", line), 1);
          stream.ended.addEventListener("abort", () => clearInterval(timer));
        },
      },
    });
    const { socket } = talk(server.port, "GET /events HTTP/1.1\r\nhost: x\r\n\r\n");
    socket.pause();
    await waitFor(() => ended?.aborted, { what: "the reader to be cut off" });
    socket.destroy();
  });

  it("closes for a second at a flood of connections, and keeps those that there are", async () => {
    await using server = await serve();
    const ask = "GET /events HTTP/1.1\r\nhost: x\r\n\r\n";
    const stream = talk(server.port, ask);
    await new Promise((resolve) => stream.socket.once("data", resolve));
    let refused = 0;
    const flood = Array.from({ length: 40 }, async () => {
      while (refused < 40) {
        const socket = connect(server.port, "127.0.0.1");
        await new Promise<void>((resolve) => {
          socket.once("error", (error: NodeJS.ErrnoException) => {
            if (error.code === "ECONNREFUSED") refused += 1;
            resolve();
          });
          socket.once("close", () => resolve());
          socket.once("connect", () => socket.destroy());
        });
      }
    });
    await Promise.all(flood);
    const answered = async (): Promise<boolean> => (await fetch(`${server.url}/yes`)).status === 200;
    await waitFor(answered, { what: "the port to be open again" });
    expect(stream.socket.destroyed).toBe(false);
    stream.socket.destroy();
  });

  it("listens on a unix socket that only its own user can open, and answers many who ask there", async () => {
    await using folder = tempDir();
    const path = join(folder.path, "status.sock");
    await using _server = await serveRoutes(routes, { path }, { name: path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const ask = "GET /yes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    const answered = async (): Promise<boolean> => {
      const socket = connect(path);
      socket.write(ask);
      const [chunk] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      return chunk.toString().startsWith("HTTP/1.1 200");
    };
    for (let count = 0; count < 40; count++)
      expect(await Promise.all(Array.from({ length: 10 }, answered))).not.toContain(false);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("tells why it can't listen", async () => {
    await using server = await serve();
    const taken = serveRoutes(routes, { port: server.port, host: "127.0.0.1" }, { name: "PORT" });
    await expect(taken).rejects.toThrow(ListenError);
    await expect(taken).rejects.toThrow("can't listen on PORT: the port is in use");
  });
});
