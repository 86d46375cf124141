import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createRuntimeApi, type RuntimeApi, type ServerAddress, type StateChange } from "../src/index.ts";

/** A stats socket that keeps what it was sent, and shows every server at the address that it was given last. */
interface FakeSocket extends AsyncDisposable {
  readonly path: string;
  /** What was sent on each connection since the last call. */
  take(): readonly string[];
}

async function startFakeSocket(): Promise<FakeSocket> {
  const folder = tempDir();
  const path = join(folder.path, "haproxy.sock");
  let sent: string[] = [];
  let row = "";
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const text = chunk.toString();
      sent.push(text);
      const [, name, address, port] = /^set server \S+\/(\S+) addr (\S+) port (\d+)/.exec(text) ?? [];
      if (name) row = `${name} ${address} ${port} 0`;
      socket.end(
        text.includes("show servers")
          ? `\n1\n# srv_name srv_addr srv_port srv_admin_state\n${row}\n\n`
          : "\n".repeat(text.split(";").length),
      );
    });
  });
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    take: () => {
      const taken = sent;
      sent = [];
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A call of the API, and the lines that it may send. */
interface Call {
  readonly lines: readonly string[];
  run(api: RuntimeApi): Promise<unknown>;
}

const name = mostly(
  fc.constantFrom("be", "m0", "m1", "fe", "parking", "a.b-c_d", "x".repeat(64)),
  fc.constantFrom("x".repeat(65), "be/m0", "be m0", "b\u00e4", "__proto__"),
);
const address = mostly(
  fc.oneof(fc.ipV4(), fc.ipV6()),
  fc.constantFrom(
    "localhost",
    "1.2.3.4:80",
    "[::1]",
    "::1%lo",
    "fe80::1%a\nb",
    "1.2.3",
    "@1",
    "fd@3",
    "/tmp/x",
  ),
);
const port = mostly(
  fc.integer({ min: 1, max: 65_535 }),
  fc.oneof(fc.constantFrom(0, -1, 65_536, 1.5, Number.NaN, "80", "80 port 81", null), fc.string()),
);
const change = fc.record({
  server: name,
  state: mostly(fc.constantFrom("ready", "drain", "maint"), fc.constantFrom("ready;show info", "READY")),
  to: fc.option(fc.record({ address, port }), { nil: undefined, freq: 2 }),
});

const call: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(name, name, address, port).map(([backend, server, address, port]) => ({
    lines: [`set server ${backend}/${server} addr ${address} port ${port};show servers state ${backend}`],
    run: (api: RuntimeApi) => api.setServerAddress(backend, server, { address, port } as ServerAddress),
  })),
  fc.tuple(name, fc.array(change, { minLength: 1, maxLength: 3 })).map(([backend, changes]) => ({
    lines: [
      changes
        .flatMap(({ server, state, to }) => [
          ...(to ? [`set server ${backend}/${server} addr ${to.address} port ${to.port}`] : []),
          `set server ${backend}/${server} state ${state}`,
        ])
        .join(";"),
    ],
    run: (api: RuntimeApi) => api.setServerStates(backend, changes as StateChange[]),
  })),
  name.map((backend) => ({
    lines: [`show servers state ${backend}`],
    run: (api: RuntimeApi) => api.showServers(backend),
  })),
  name.map((frontend) => ({
    lines: [`shutdown frontend ${frontend}`],
    run: (api: RuntimeApi) => api.shutdownFrontend(frontend),
  })),
);

/** Three times out of four what has a place in a command, else what has none or may have none. */
function mostly<T, U>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<U>): fc.Arbitrary<T | U | string> {
  const evil = fc.constantFrom(
    ...[
      "",
      "\n",
      "be\n",
      "\nshow info",
      "1.2.3.4;disable frontend fe",
      "be;show info",
      "m0\r\nshow info",
      "a\\\nb",
    ],
    ...["1.2.3.4 port 1", "\u001b[2J", "\u009b2J", "\u0000", "\u2028", "\ufffd", "<<", "#", '"', "$HOME"],
  );
  const text = fc.string({ unit: fc.constantFrom(..."ab10.:/; \n\r\t\u0000\u001b\u2028é%-_"), maxLength: 8 });
  return fc.oneof({ weight: 8, arbitrary: good }, bad, evil, text);
}

/** The commands, with no more in them than names, an IP address and numbers. */
const COMMANDS = new RegExp(
  [
    String.raw`^set server NAME\/NAME ADDRESS;show servers state NAME$`,
    String.raw`^(;?(set server NAME\/NAME ADDRESS;)?set server NAME\/NAME state (ready|drain|maint))+$`,
    "^show servers state NAME$",
    "^shutdown frontend NAME$",
  ]
    .join("|")
    .replaceAll("ADDRESS", String.raw`addr [\da-fA-F:.]+ port \d{1,5}`)
    .replaceAll("NAME", String.raw`[\w.-]+`),
);

it("sends HAProxy one line of fixed words for each command, or refuses what it is given", async () => {
  await using socket = await startFakeSocket();
  const api = createRuntimeApi(socket.path);
  const counts = { sent: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(call, async ({ lines, run }) => {
      const failure = await failureOf(async () => run(api));
      const sent = socket.take();
      counts[failure ? "refused" : "sent"] += 1;
      if (failure) return failure instanceof TypeError && sent.length === 0;
      return (
        lines.every((line) => COMMANDS.test(line)) &&
        sent.join("") === lines.map((line) => `${line}\n`).join("")
      );
    }),
    { numRuns: 10_000 },
  );
  expect(Math.min(counts.sent, counts.refused)).toBeGreaterThan(2_000);
});

async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}
