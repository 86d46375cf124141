import { execFileSync, spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TempDir, tempDir } from "@msdha/testkit";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { guardBinary } from "../src/binary.ts";
import { buildGuard } from "./support.ts";

beforeAll(buildGuard);

/** The guard's program, but that `--ask` waits for a second instead of a minute. */
function buildHasty(folder: TempDir): string {
  const file = join(folder.path, "hasty");
  const sources = fileURLToPath(new URL("../c/", import.meta.url));
  execFileSync("sh", ["-c", `cc -std=gnu11 -D_GNU_SOURCE -DPATIENCE_S=1 -O1 -o ${file} ${sources}*.c`]);
  return file;
}

async function ask(binary: string, socket: string, ...args: readonly string[]) {
  const child = spawn(binary, ["--ask", "msdha-backend", socket, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  return { code, output };
}

async function listen(folder: TempDir, server: Server): Promise<string> {
  const socket = join(folder.path, "control.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  return socket;
}

/** A server that never accepts: perl listens with room for none, and the room is taken. */
async function listenInVain(folder: TempDir): Promise<string> {
  const socket = join(folder.path, "full.sock");
  const script = `use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0])); listen(S, 0);
    socket(C, AF_UNIX, SOCK_STREAM, 0); connect(C, sockaddr_un($ARGV[0])); $| = 1; print "full\\n"; sleep 60`;
  const child = spawn("perl", ["-e", script, socket], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return socket;
}

const tooLong = /^msdha-backend: no node answers at .*: it takes too long\n$/;

test("asking gives up on a server that does not accept, does not read, or does not answer to the end", async () => {
  await using folder = tempDir();
  const hasty = buildHasty(folder);
  const vain = await ask(hasty, await listenInVain(folder), "status");
  expect(vain).toEqual({ code: 1, output: expect.stringMatching(tooLong) });

  const deaf = createServer({ pauseOnConnect: true }, () => {});
  const socket = await listen(folder, deaf);
  const unread = await ask(hasty, socket, "put", "key", ...Array(10).fill("x".repeat(100_000)));
  expect(unread).toEqual({ code: 1, output: expect.stringMatching(tooLong) });
  const unanswered = await ask(hasty, socket, "status");
  expect(unanswered).toEqual({ code: 1, output: expect.stringMatching(tooLong) });
});

test("asking gives up on a server that begins an answer and does not end it", async () => {
  await using folder = tempDir();
  const slow = createServer((connection) => connection.write("\0begun\n"));
  const socket = await listen(folder, slow);
  const { code, output } = await ask(buildHasty(folder), socket, "status");
  expect(code).toBe(1);
  expect(output).toMatch(/begun\nmsdha-backend: no node answers at .*: it takes too long\n$/);
});

test("asking gives up on a server whose answer never ends", async () => {
  await using folder = tempDir();
  const dripping = createServer((connection) => {
    connection.write("\0");
    const timer = setInterval(() => connection.write("."), 100);
    connection.on("close", () => clearInterval(timer)).on("error", () => {});
  });
  const socket = await listen(folder, dripping);
  const { code, output } = await ask(buildHasty(folder), socket, "status");
  expect(code).toBe(1);
  expect(output).toMatch(/^\.+msdha-backend: no node answers at .*: it takes too long\n$/);
});

test.each([
  ["its standard output", ">&-", "\0the answer\n", 0],
  ["its standard error", "2>&-", "\u0001the complaint\n", 1],
  ["all three", "<&- >&- 2>&-", "\0the answer\n", 0],
])(
  "asking ends with the answer's own code where the caller has closed %s",
  async (_, closing, text, code) => {
    await using folder = tempDir();
    const server = createServer({ allowHalfOpen: true }, (connection) => {
      connection.resume().on("error", () => {});
      connection.on("end", () => connection.end(text));
    });
    const socket = await listen(folder, server);
    const script = `exec "$0" --ask msdha-backend "$1" status ${closing}`;
    const child = spawn("sh", ["-c", script, guardBinary(), socket], { stdio: "ignore" });
    expect(await new Promise((resolve) => child.once("close", (...ended) => resolve(ended)))).toEqual([
      code,
      null,
    ]);
  },
);
