import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";
import { serving, type TestFrontend, type TestGroup } from "../test/support.ts";
import { processorMs } from "./memory.ts";
import { quantile, report } from "./report.ts";

const { MSDHA_TEST_HAPROXY: haproxyFile = "haproxy" } = process.env;
const host = "127.0.0.2";
const BULK_BYTES = 400 << 20;
const QUESTIONS = 20_000;
const CONNECTIONS = 3_000;
const AT_ONCE = 8;

/** Compares the frontend with a bare HAProxy that sends to the same server, by turns; reports medians. */
export async function measureThroughput(
  frontend: TestFrontend,
  group: TestGroup,
  { rounds }: { readonly rounds: number },
): Promise<void> {
  await using _server = await startEcho(frontend.port);
  await using bare = await startBareHaproxy(frontend.port);
  await group.becomeMaster("a", { address: host });
  await serving(frontend, "a");
  const led = { port: frontend.port, pid: (await frontend.status()).haproxy.pid };
  const kinds = { "MB/s one way": bulk, "questions/s": questions, "connections/s": connections };
  for (const [unit, measure] of Object.entries(kinds)) {
    const ours: Round[] = [];
    const theirs: Round[] = [];
    for (let round = -1; round < rounds; round++) {
      const turns = [
        { ...led, rounds: ours },
        { ...bare, rounds: theirs },
      ];
      if (round % 2) turns.reverse();
      for (const { port, pid, rounds } of turns) {
        const before = processorMs(pid);
        const speed = await measure(port);
        if (round >= 0) rounds.push({ speed, costMs: processorMs(pid) - before });
      }
    }
    const median = (values: Round[], key: keyof Round): number =>
      quantile(
        values.map((value) => value[key]),
        0.5,
      );
    report(`throughput, ${unit}, median of ${rounds}`, {
      frontend: median(ours, "speed"),
      "bare HAProxy": median(theirs, "speed"),
      ratio: quantile(
        ours.map(({ speed }, index) => speed / (theirs[index]?.speed ?? Number.NaN)),
        0.5,
      ),
      "HAProxy's processor ms": median(ours, "costMs"),
      "of the bare one": median(theirs, "costMs"),
    });
  }
}

interface Round {
  readonly speed: number;
  /** The processor time that HAProxy took. */
  readonly costMs: number;
}

/** Sends a stream to the server, which counts it and answers when it has all. */
async function bulk(port: number): Promise<number> {
  const chunk = Buffer.alloc(256 << 10);
  const begun = performance.now();
  const socket = await open(port);
  socket.write(`take ${BULK_BYTES}\n`);
  const answer = once(socket, "data");
  for (let sent = 0; sent < BULK_BYTES; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  await answer;
  socket.destroy();
  return BULK_BYTES / (1 << 20) / ((performance.now() - begun) / 1000);
}

async function questions(port: number): Promise<number> {
  const begun = performance.now();
  const clients = Array.from({ length: AT_ONCE }, async () => {
    const socket = await open(port);
    for (let asked = 0; asked < QUESTIONS / AT_ONCE; asked++) {
      socket.write("echo\n");
      await once(socket, "data");
    }
    socket.destroy();
  });
  await Promise.all(clients);
  return QUESTIONS / ((performance.now() - begun) / 1000);
}

async function connections(port: number): Promise<number> {
  const begun = performance.now();
  const clients = Array.from({ length: AT_ONCE }, async () => {
    for (let opened = 0; opened < CONNECTIONS / AT_ONCE; opened++) {
      const socket = await open(port);
      socket.write("echo\n");
      await once(socket, "data");
      socket.destroy();
    }
  });
  await Promise.all(clients);
  return CONNECTIONS / ((performance.now() - begun) / 1000);
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Answers each `echo`, and swallows as many bytes as it is told to `take`. */
async function startEcho(port: number): Promise<AsyncDisposable> {
  const server = createServer({ noDelay: true }, (socket) => {
    let left = 0;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      let rest = chunk;
      if (left === 0) {
        const end = chunk.indexOf("\n");
        const [, bytes] = /^take (\d+)$/.exec(chunk.toString("latin1", 0, end)) ?? [];
        if (bytes === undefined) return void socket.write(chunk);
        left = Number(bytes);
        rest = chunk.subarray(end + 1);
      }
      left -= rest.length;
      if (left === 0) socket.write("done");
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  return { [Symbol.asyncDispose]: async () => void server.close() };
}

async function startBareHaproxy(
  target: number,
): Promise<{ readonly port: number; readonly pid: number } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(tempDir());
  const port = await getFreePort();
  const config = join(folder.path, "haproxy.cfg");
  writeFileSync(
    config,
    `global\n  maxconn 9000\n  nbthread 2\ndefaults\n  mode tcp\n  timeout client 1h\n  timeout server 1h\n  timeout connect 5s\nlisten all\n  bind 127.0.0.1:${port}\n  server one ${host}:${target}\n`,
  );
  const { pid } = stack.use(
    startChild(haproxyFile, ["-db", "-f", config], { logFile: join(folder.path, "log") }),
  );
  await waitFor(() => open(port).then((socket) => socket.destroy()), { what: "the bare HAProxy" });
  const kept = stack.move();
  return { port, pid, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
