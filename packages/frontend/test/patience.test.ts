import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdMember, startEtcd } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openGroup, serving, startFrontend, type TestFrontend, type TestGroup } from "./support.ts";

/** Longer than the limits of 30 s that proxies like to have. */
const PAUSE_MS = 33_000;
/** More than all buffers on the way hold. */
const MUCH = 64 * 1024 * 1024;
const LIMIT_MS = PAUSE_MS + 60_000;

let etcd: EtcdMember;
let group: TestGroup;
let frontend: TestFrontend;
beforeAll(async () => {
  etcd = await startEtcd();
  group = openGroup(etcd, "patience");
  frontend = await startFrontend(etcd.endpoint, group.name);
  await group.becomeMaster("a", { address: "127.0.0.2" });
  await serving(frontend, "a");
});
afterAll(async () => {
  await frontend[Symbol.asyncDispose]();
  await group[Symbol.asyncDispose]();
  await etcd[Symbol.asyncDispose]();
});

/** A session through the frontend: both ends. */
interface Ends extends AsyncDisposable {
  readonly client: Socket;
  readonly server: Socket;
}

/** The master's server takes one session at a time. */
let last: Promise<unknown> = Promise.resolve();

function open(): Promise<Ends> {
  const opening = last.then(connectThrough);
  last = opening.catch(() => {});
  return opening;
}

async function connectThrough(): Promise<Ends> {
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  listener.listen(frontend.port, "127.0.0.2");
  await once(listener, "listening");
  const accepted = once(listener, "connection");
  const client = connect({ port: frontend.port, host: "127.0.0.1", allowHalfOpen: true });
  const [server] = (await accepted) as [Socket];
  listener.close();
  for (const socket of [client, server]) socket.on("error", () => {});
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.destroy();
    },
  };
}

/** Resolves with how many bytes came before the other side ended. Rejects if the connection is reset. */
async function readAll(socket: Socket): Promise<number> {
  let size = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) size += chunk.length;
  return size;
}

async function readText(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

describe.concurrent(`a session of which one side does nothing for ${PAUSE_MS / 1000} s`, {
  timeout: LIMIT_MS,
}, () => {
  it("is whole afterwards: a reader that pauses", async () => {
    await using ends = await open();
    const { client, server } = ends;
    client.pause();
    server.end(Buffer.alloc(MUCH));
    await sleep(PAUSE_MS);
    expect(server.writableLength).toBeGreaterThan(0);
    expect(await readAll(client)).toBe(MUCH);
  });

  it("is whole afterwards: a server that takes nothing, as a COPY behind a lock", async () => {
    await using ends = await open();
    const { client, server } = ends;
    client.end(Buffer.alloc(MUCH));
    await sleep(PAUSE_MS);
    expect(client.writableLength).toBeGreaterThan(0);
    expect(await readAll(server)).toBe(MUCH);
    server.end("COPY 1");
    expect(await readText(client)).toBe("COPY 1");
  });

  it("is answered: a client that has closed its side and waits", async () => {
    await using ends = await open();
    const { client, server } = ends;
    client.end("question");
    expect(await readText(server)).toBe("question");
    await sleep(PAUSE_MS);
    server.end("answer");
    expect(await readText(client)).toBe("answer");
  });

  it("reaches the server: what a client says long after the server has closed its side", async () => {
    await using ends = await open();
    const { client, server } = ends;
    server.end("all that I had");
    expect(await readText(client)).toBe("all that I had");
    await sleep(PAUSE_MS);
    client.end("thanks");
    expect(await readText(server)).toBe("thanks");
  });
});
