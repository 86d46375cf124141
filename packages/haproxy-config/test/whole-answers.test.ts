import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { describe, expect, it } from "vitest";
import {
  createRuntimeApi,
  HaproxyUnavailableError,
  type RuntimeApi,
  waitForRuntimeApi,
} from "../src/index.ts";
import { startHaproxy } from "./support.ts";

/** The calls of the API, and commands of one's own, each with an answer of another kind. */
const calls: readonly [what: string, call: (api: RuntimeApi) => Promise<unknown>][] = [
  ["a table", (api) => api.showServers("be")],
  ["fields", (api) => api.showInfo()],
  ["statistics", (api) => api.showStat()],
  ["nothing to say", (api) => api.setServerStates("be", [{ server: "m0", state: "maint" }])],
  [
    "nothing to say, twice",
    (api) =>
      api.setServerStates("be", [
        { server: "m0", state: "maint" },
        { server: "m1", state: "maint" },
      ]),
  ],
  ["a message and a table", (api) => api.setServerAddress("be", "m0", { address: "127.0.0.2", port: 7 })],
  ["nothing about two sessions", (api) => api.showProgress(["0x1", "0x2"])],
  ["a refusal", (api) => api.shutdownFrontend("nothing").catch(expectRefusal)],
  ["fields, by a line of one's own", (api) => api.command("show info")],
];

describe("an answer of the runtime API", () => {
  it.each(calls)(
    "is whole as a real HAProxy gives it, and refused when it is cut anywhere: %s",
    async (_, call) => {
      await using haproxy = await startHaproxy();
      await using relay = await startRelay(haproxy.socketPath);
      const api = createRuntimeApi(relay.path);
      await call(api);
      const step = Math.ceil(relay.answer.length / 40);
      for (let missing = 1; missing <= relay.answer.length; missing += missing < 4 ? 1 : step) {
        relay.missing = missing;
        const failure = await call(api).then(
          () => "no failure",
          (error: unknown) => error,
        );
        expect(failure, `${missing} of ${relay.answer.length} characters are missing`).toBeInstanceOf(
          HaproxyUnavailableError,
        );
        expect(String(failure)).toContain(
          `${relay.path} is unavailable: the connection ended before the answer did`,
        );
      }
    },
  );

  it("is whole where a message has no line break of its own, and where commands are joined", async () => {
    await using haproxy = await startHaproxy();
    await haproxy.api.command("set server be/m1 state maint");
    expect(await haproxy.api.command("del server be/m1")).toMatch(/^Server deleted\.\n/);
    const joined = await haproxy.api.command("show version; show sess 0x1;nonsense");
    expect(joined).toMatch(/^\d.*\n\n.*\n\nUnknown command/);
    await expect(haproxy.api.command("quit")).rejects.toThrow(HaproxyUnavailableError);
    await expect(haproxy.api.command("prompt", { timeoutMs: 100 })).rejects.toThrow(
      "no answer within 100 ms",
    );
  });
});

describe("waitForRuntimeApi", () => {
  it("ends within its limit at a socket that accepts and is silent, and says which and what for", async () => {
    await using haproxy = await startHaproxy();
    haproxy.child.freeze();
    const answers = (): Promise<boolean> =>
      haproxy.api.showInfo({ timeoutMs: 50 }).then(
        () => true,
        () => false,
      );
    await expect.poll(answers, { timeout: 10_000 }).toBe(false);
    const began = performance.now();
    const failure = waitForRuntimeApi(haproxy.api, { timeoutMs: 300 });
    await expect(failure).rejects.toThrow(HaproxyUnavailableError);
    await expect(failure).rejects.toThrow(
      `waited 300 ms for an answer to 'show info': HAProxy's stats socket ${haproxy.socketPath} is unavailable: no answer within`,
    );
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  it("says the same where there is no socket", async () => {
    await using folder = tempDir();
    const path = join(folder.path, "no.sock");
    const failure = waitForRuntimeApi(createRuntimeApi(path), { timeoutMs: 50 });
    await expect(failure).rejects.toThrow(
      `waited 50 ms for an answer to 'show info': HAProxy's stats socket ${path} is unavailable: connect ENOENT`,
    );
  });

  it("rejects with the reason of its signal, also between two tries", async () => {
    const reason = new Error("enough");
    const stop = new AbortController();
    const showInfo: RuntimeApi["showInfo"] = async () => {
      setImmediate(() => stop.abort(reason));
      throw new HaproxyUnavailableError("not yet");
    };
    const failure = waitForRuntimeApi({ showInfo }, { timeoutMs: 60_000, signal: stop.signal });
    await expect(failure).rejects.toBe(reason);
  });
});

/** A stats socket that passes on what another answers, or the beginning of it. */
interface Relay extends AsyncDisposable {
  readonly path: string;
  /** The last whole answer. */
  readonly answer: string;
  /** How many characters of an answer are not sent any more when the connection ends; default: 0. */
  missing: number;
}

async function startRelay(to: string): Promise<Relay> {
  const folder = tempDir();
  const path = join(folder.path, "relay.sock");
  const api = createRuntimeApi(to);
  const relay = {
    path,
    answer: "",
    missing: 0,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", async (chunk) => {
      relay.answer = await api.command(chunk.toString().trim());
      socket.end(relay.answer.slice(0, Math.max(0, relay.answer.length - relay.missing)));
    });
  });
  server.listen(path);
  await once(server, "listening");
  return relay;
}

function expectRefusal(error: unknown): void {
  if (error instanceof HaproxyUnavailableError) throw error;
}
