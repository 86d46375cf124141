import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EtcdApi } from "@msdha/etcd-client";
import { groupKeys, type Lead, putValue } from "@msdha/group";
import { guardBinary } from "@msdha/guard";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { serveControl } from "../src/control-server.ts";
import { CONTROL_SOCKET } from "../src/control-socket.ts";
import type { Node } from "../src/node.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const NODE = [process.execPath, ["--conditions=@msdha/source", main]] as const;

/** Runs a program with arguments in which `\\377` stands for that byte, which no text can hold. */
function run(file: string, argv: readonly string[], env = {}) {
  const script =
    'for a; do shift; case $a in "\\377"*) a=$(printf "\\377x") ;; esac; set -- "$@" "$a"; done; exec "$0" "$@"';
  return execa("sh", ["-c", script, file, ...argv], { env, reject: false, stripFinalNewline: true });
}

const ways = [
  {
    way: "the guard's program",
    ask: (dir: string, argv: readonly string[]) =>
      run(guardBinary(), ["--ask", "msdha-backend", join(dir, CONTROL_SOCKET), ...argv]),
  },
  {
    way: "a Node",
    ask: (dir: string, argv: readonly string[]) =>
      run(NODE[0], [...NODE[1], ...argv], { MSDHA_RUN_DIR: dir }),
  },
];

/** A node that answers every command with the same bytes, or ends the connection without any. */
async function answering(dir: string, answer: Buffer): Promise<AsyncDisposable & { readonly heard: string }> {
  let heard = "";
  const server: Server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("utf8");
    });
    socket.once("end", () => socket.end(answer));
  });
  await new Promise<void>((resolve) => void server.listen(join(dir, CONTROL_SOCKET), resolve));
  return {
    get heard() {
      return heard;
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

describe.each(ways)("a command that $way sends to the node", ({ ask }) => {
  test("arrives as it was typed, and what it prints is printed", async () => {
    await using dir = tempDir();
    await using node = await answering(dir.path, Buffer.from(`\0${"long ".repeat(20_000)}end\n`));
    const value = "two words, a quote ', a line\nand ü";
    const { exitCode, stdout, stderr } = await ask(dir.path, ["claim", "key", value]);
    expect(node.heard).toBe(`claim\0key\0${value}\0`);
    expect({ exitCode, stderr, end: stdout.slice(-5, -1), length: stdout.length }).toEqual({
      ...{ exitCode: 0, stderr: "", end: stdout.slice(-5, -1), length: 100_003 },
    });
  });

  test("fails as the node says, and says why on the standard error", async () => {
    await using dir = tempDir();
    await using _ = await answering(dir.path, Buffer.from("\x07msdha-backend: no\n"));
    expect(await ask(dir.path, ["get", "key"])).toMatchObject({
      ...{ exitCode: 7, stdout: "", stderr: "msdha-backend: no" },
    });
  });

  test("fails where no node answers", async () => {
    await using dir = tempDir();
    const nobody = await ask(dir.path, ["status"]);
    expect(nobody.exitCode).toBe(1);
    expect(nobody.stderr).toMatch(
      /^msdha-backend: no node answers at .*control.sock: .*(ENOENT|No such file)/,
    );
    await using _ = await answering(dir.path, Buffer.of());
    expect(await ask(dir.path, ["status"])).toMatchObject({
      ...{
        exitCode: 1,
        stderr: expect.stringMatching(/^msdha-backend: no node answers at .*: it has ended$/),
      },
    });
  });

  test("is refused while the node has not joined", async () => {
    await using dir = tempDir();
    await using _ = await serveControl(dir.path, () => undefined);
    expect(await ask(dir.path, ["nodes"])).toMatchObject({
      ...{ exitCode: 1, stdout: "", stderr: "msdha-backend: the node has not joined its group yet" },
    });
  });
});

/** The role of a master that puts its values into this etcd. */
function masterOn(etcd: Pick<EtcdApi, "range" | "txn">): Node["role"] {
  const lock = { token: 7, lease: "5" };
  const lead: Pick<Lead, "put"> = {
    put: (name, value, call) => putValue(etcd as EtcdApi, groupKeys("db"), name, value, { ...call, lock }),
  };
  return { kind: "master", lead: { ...lock, ...lead } } as Node["role"];
}

/** A master on an etcd that stores every put, by key. */
function storingNode(): { readonly node: Node; readonly stored: Map<string, string> } {
  const stored = new Map<string, string>();
  const etcd: Pick<EtcdApi, "range" | "txn"> = {
    range: async () => ({ kvs: [], revision: 9 }),
    async txn({ success }) {
      for (const each of success) if (each.type === "put") stored.set(each.key, each.value);
      return { succeeded: true, results: [], revision: 9 };
    },
  };
  const node = {
    etcd,
    role: masterOn(etcd),
    lease: { id: "5", lost: new AbortController().signal },
    follower: { view: { keys: groupKeys("db") } },
  } as unknown as Node;
  return { node, stored };
}

describe.each(ways)("a value that $way sends", ({ ask }) => {
  const keys = groupKeys("db");

  test.each([
    "-h",
    "--help",
    "-1",
    "--",
    "-",
    "--lease",
    "",
    " ",
    "a\nb\n",
    "\u{fffd}",
    "ü €",
    "v".repeat(65_536),
  ])("is stored as it is: %j", async (value) => {
    const { node, stored } = storingNode();
    await using dir = tempDir();
    await using _ = await serveControl(dir.path, () => node);
    expect(await ask(dir.path, ["put", "k", value])).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
    expect(stored.get(keys.value("k"))).toBe(value);
    expect(await ask(dir.path, ["claim", "k", value])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await ask(dir.path, ["claim", "--lease", "l", value])).toMatchObject({ exitCode: 0, stderr: "" });
    expect([stored.get(keys.claim("k")), stored.get(keys.claim("l"))]).toEqual([value, value]);
  });

  test.each([
    ["that is no UTF-8", ["put", "k", "\\377x"], /is no UTF-8 text/],
    ["that is too long", ["put", "k", "v".repeat(65_537)], /at most 65536 characters/],
    ["with a key that is an option", ["put", "-1", "v"], /unknown option|expected a key/],
    ["with something behind it", ["claim", "k", "v", "--lease"], /too many arguments/],
  ])("is refused, and nothing stored: one %s", async (_what, argv, why) => {
    const { node, stored } = storingNode();
    await using dir = tempDir();
    await using _ = await serveControl(dir.path, () => node);
    const { exitCode, stderr } = await ask(dir.path, argv);
    expect({ exitCode, stored: stored.size }).toEqual({ exitCode: 1, stored: 0 });
    expect(stderr).toMatch(why);
  });
});

test.each(ways)(
  "get that $way sends tells a value that is not there from one that can't be read",
  async ({ ask }) => {
    const { node } = storingNode();
    await using dir = tempDir();
    {
      await using _ = await serveControl(dir.path, () => node);
      expect(await ask(dir.path, ["get", "k"])).toMatchObject({ exitCode: 2, stdout: "" });
      expect(await ask(dir.path, ["get", "_bad"])).toMatchObject({ exitCode: 1, stdout: "" });
    }
    await using _ = await serveControl(dir.path, () => undefined);
    expect(await ask(dir.path, ["get", "k"])).toMatchObject({ exitCode: 1, stdout: "" });
  },
);

test("a command that the node can't read fails with what is wrong with it", async () => {
  await using dir = tempDir();
  await using _ = await serveControl(dir.path, () => undefined);
  const ask = (...argv: readonly string[]) => ways[0]?.ask(dir.path, argv);
  expect(await ask("claim", "key")).toMatchObject({
    ...{ exitCode: 1, stderr: "msdha-backend: error: missing required argument 'value'" },
  });
  expect(await ask("claim", "key", "value", "--leese")).toMatchObject({ exitCode: 1 });
  expect(await ask("put", ...Array<string>(3).fill("v".repeat(100_000)))).toMatchObject({
    ...{ exitCode: 1, stderr: "msdha-backend: the command is too long" },
  });
  expect(await ask()).toMatchObject({ exitCode: 1 });
});

test("a put whose caller has given up does not come after the next one", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: asked, resolve: firstIsAsked } = Promise.withResolvers<void>();
  let stored = { value: "", modRevision: 0 };
  let transactions = 0;
  const etcd: Pick<EtcdApi, "range" | "txn"> = {
    range: async () => ({ kvs: [{ key: "", lease: "0", createRevision: 1, ...stored }], revision: 9 }),
    async txn({ compare, success: [put] }) {
      transactions += 1;
      firstIsAsked();
      if (transactions === 1) await released;
      const known = compare.find(({ target }) => target === "mod")?.value;
      if (known === stored.modRevision && put?.type === "put") {
        stored = { value: put.value, modRevision: stored.modRevision + 1 };
        return { succeeded: true, results: [{ type: "put" }], revision: 9 };
      }
      const held = { key: "", value: "{}", lease: "5", createRevision: 7, modRevision: 7 };
      const found = { key: "", lease: "0", createRevision: 1, ...stored };
      const results = [held, found].map((kv) => ({ type: "range", kvs: [kv] }) as const);
      return { succeeded: false, results, revision: 9 };
    },
  };
  const node = {
    etcd,
    role: masterOn(etcd),
    lease: { lost: new AbortController().signal },
    follower: { view: { keys: groupKeys("db") } },
  } as unknown as Node;
  await using dir = tempDir();
  await using _ = await serveControl(dir.path, () => node);

  const first = ways[0]?.ask(dir.path, ["put", "x", "first"]);
  await asked;
  first?.kill("SIGKILL");
  await first;
  const second = ways[0]?.ask(dir.path, ["put", "x", "second"]);
  // Time enough for the second to overtake the first.
  await setTimeout(300);
  release();
  expect(await second).toMatchObject({ exitCode: 0 });
  await setTimeout(100);
  expect(stored.value).toBe("second");
});

test("a caller that goes away does not hurt the node", async () => {
  await using dir = tempDir();
  await using _ = await serveControl(dir.path, () => undefined);
  const call = ways[0]?.ask(dir.path, ["status"]);
  call?.kill("SIGKILL");
  await call;
  expect(await ways[0]?.ask(dir.path, ["status"])).toMatchObject({ exitCode: 1 });
});
