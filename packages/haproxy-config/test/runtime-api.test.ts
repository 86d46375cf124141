import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { describe, expect, it } from "vitest";
import {
  createRuntimeApi,
  HaproxyAnswerError,
  HaproxyCommandError,
  HaproxyUnavailableError,
  maxConnectionsFor,
  parseVersion,
} from "../src/index.ts";
import { askName, openSession, startHaproxy, startNamedServer } from "./support.ts";

describe("the runtime API of a real HAProxy", () => {
  it("shows the two slots that the configuration laid out, in maintenance", async () => {
    await using haproxy = await startHaproxy();
    expect(await haproxy.api.showServers("be")).toEqual([
      { name: "m0", address: "127.0.0.1", port: 1, state: "maint" },
      { name: "m1", address: "127.0.0.1", port: 1, state: "maint" },
      { name: "parking", address: "127.0.0.1", port: 1, state: "ready" },
    ]);
  });

  it("has the address in force when it says so", async () => {
    await using haproxy = await startHaproxy();
    await haproxy.api.setServerAddress("be", "m0", { address: "127.0.0.9", port: 5432 });
    expect((await haproxy.api.showServers("be"))[0]).toMatchObject({ address: "127.0.0.9", port: 5432 });
    await haproxy.api.setServerAddress("be", "m0", { address: "::1", port: 5433 });
    await haproxy.api.setServerAddress("be", "m0", { address: "0:0:0:0:0:0:0:1", port: 5433 });
    expect((await haproxy.api.showServers("be"))[0]).toMatchObject({ address: "::1", port: 5433 });
  });

  it("sets a server ready, draining and in maintenance", async () => {
    await using haproxy = await startHaproxy();
    for (const state of ["ready", "drain", "maint", "ready", "maint", "drain", "ready"] as const) {
      await haproxy.api.setServerStates("be", [{ server: "m0", state }]);
      expect((await haproxy.api.showServers("be"))[0]).toMatchObject({ state });
    }
  });

  it("makes a server ready with its address in one go, the same one or another", async () => {
    await using haproxy = await startHaproxy();
    for (const address of ["127.0.0.2", "127.0.0.2", "127.0.0.3", "::1"]) {
      const to = { address, port: 5432 };
      await haproxy.api.setServerStates("be", [{ server: "m0", state: "ready", to }]);
      await expect
        .poll(async () => (await haproxy.api.showServers("be"))[0])
        .toMatchObject({ ...to, state: "ready" });
    }
    const missing = { server: "m7", state: "ready", to: { address: "::1", port: 1 } } as const;
    await expect(haproxy.api.setServerStates("be", [missing])).rejects.toThrow("No such server");
  });

  it("sends a line of one's own, and passes the answer on", async () => {
    await using haproxy = await startHaproxy();
    const answer = await haproxy.api.command("set server be/m0 state ready; show servers state be");
    expect(answer).toMatch(/^# be_id/m);
    expect((await haproxy.api.showServers("be"))[0]).toMatchObject({ state: "ready" });
    expect(await haproxy.api.command("set server be/m9 state ready")).toMatch(/no such server/i);
    for (const line of ["", "show info\nshow stat", "add acl x <<", "show\u0000info", 7 as never]) {
      await expect(haproxy.api.command(line)).rejects.toThrow(TypeError);
    }
  });

  it("says what HAProxy refuses", async () => {
    await using haproxy = await startHaproxy();
    const { api } = haproxy;
    const missing = { server: "m7", state: "ready" as const };
    await expect(api.setServerStates("be", [missing])).rejects.toThrow(HaproxyCommandError);
    await expect(api.setServerAddress("be", "m7", { address: "::1", port: 1 })).rejects.toThrow(
      "No such server",
    );
    await expect(api.showServers("nothing")).rejects.toThrow(HaproxyAnswerError);
    await expect(api.shutdownFrontend("nothing")).rejects.toThrow(HaproxyCommandError);
  });

  it("puts nothing into a command that could be another", async () => {
    await using haproxy = await startHaproxy();
    const evil = ["1.2.3.4;disable frontend fe", "1.2.3.4\nshow info", "localhost", "", "@1", "fd@3"];
    for (const address of evil) {
      await expect(haproxy.api.setServerAddress("be", "m0", { address, port: 1 })).rejects.toThrow(TypeError);
    }
    await expect(haproxy.api.showServers("be;show info")).rejects.toThrow(TypeError);
    expect((await haproxy.api.showServers("be"))[0]).toMatchObject({ address: "127.0.0.1", port: 1 });
  });

  it("refuses new connections on a frontend that was shut down, which can be done twice", async () => {
    await using server = await startNamedServer("a");
    await using haproxy = await startHaproxy();
    await haproxy.api.setServerAddress("be", "m0", server);
    await haproxy.api.setServerStates("be", [{ server: "m0", state: "ready" }]);
    expect(await askName(haproxy.port)).toBe("a");
    await haproxy.api.shutdownFrontend("fe");
    await haproxy.api.shutdownFrontend("fe");
    await expect(askName(haproxy.port)).rejects.toThrow("ECONNREFUSED");
  });

  it("counts sessions and tells its version", async () => {
    await using server = await startNamedServer("a");
    await using haproxy = await startHaproxy();
    await haproxy.api.setServerAddress("be", "m1", server);
    await haproxy.api.setServerStates("be", [{ server: "m1", state: "ready" }]);
    await askName(haproxy.port);
    const row = (await haproxy.api.showStat()).find(
      ({ proxy, server: name }) => proxy === "be" && name === "m1",
    );
    expect(row).toMatchObject({ totalSessions: 1, status: "no check" });
    const [major = 0] = parseVersion((await haproxy.api.showInfo()).get("Version") ?? "") ?? [];
    expect(major).toBeGreaterThanOrEqual(2);
  });

  it("says how far each of many sessions is, and leaves out those that are gone", async () => {
    await using server = await startNamedServer("a");
    await using haproxy = await startHaproxy();
    await haproxy.api.setServerAddress("be", "m0", server);
    await haproxy.api.setServerStates("be", [{ server: "m0", state: "ready" }]);
    await using clients = new AsyncDisposableStack();
    const sessions = Array.from({ length: 300 }, () => clients.use(openSession(haproxy.port)));
    await Promise.all(sessions.map(({ name }) => name));
    const ids = (await haproxy.api.showSessions()).map(({ id }) => id);
    const progress = await haproxy.api.showProgress([...ids, "0x1"]);
    expect(ids).toHaveLength(300);
    expect([...progress.keys()].toSorted()).toEqual(ids.toSorted());
    expect(new Set([...progress.values()].map(({ server: name }) => name))).toEqual(new Set(["m0"]));
  });

  it("answers many who ask at once: HAProxy takes ten connections", async () => {
    await using haproxy = await startHaproxy();
    const answers = await Promise.all(Array.from({ length: 200 }, () => haproxy.api.showInfo()));
    expect(answers).toHaveLength(200);
  });

  it("asks for no more descriptors than there are", async () => {
    const maxConnections = maxConnectionsFor(1_000, { threads: 2 });
    await using haproxy = await startHaproxy({
      maxConnections,
      addresses: ["127.0.0.1", "127.0.0.2", "::1"],
    });
    expect(Number((await haproxy.api.showInfo()).get("Maxsock"))).toBeLessThanOrEqual(1_000);
  });

  it("says that HAProxy is not there, or does not answer", async () => {
    await using folder = tempDir();
    const nowhere = createRuntimeApi(join(folder.path, "no.sock"));
    await expect(nowhere.showInfo()).rejects.toThrow(HaproxyUnavailableError);
    await using haproxy = await startHaproxy();
    haproxy.child.freeze();
    await expect(haproxy.api.showInfo({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
    await expect(haproxy.api.showInfo()).rejects.toThrow("no answer within 2000 ms");
  });
});
