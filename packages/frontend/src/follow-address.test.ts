import { createManualClock } from "@msdha/clock";
import { describe, expect, it } from "vitest";
import { followAddress, type Lookup } from "./follow-address.ts";

describe("followAddress", () => {
  it("takes an IP address as it is, at once", async () => {
    const trial = start("10.0.0.1", []);
    expect(trial.addresses).toEqual(["10.0.0.1"]);
    await trial.done;
    expect(trial.asked()).toBe(0);
  });

  it("looks a name up again after some time and tells of another address", async () => {
    const trial = start("db1", [["10.0.0.1"], ["10.0.0.1"], ["10.0.0.2"]]);
    await trial.clock.advance(0);
    expect(trial.addresses).toEqual(["10.0.0.1"]);
    await trial.clock.advance(10_000);
    expect(trial.addresses).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(trial.asked()).toBe(3);
    await trial.stop();
  });

  it("keeps an address that the host still has among others", async () => {
    const answers = [["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"], ["10.0.0.2"]];
    const trial = start("db1", answers, { reachable: ["10.0.0.1", "10.0.0.2"] });
    await trial.clock.advance(5_000);
    expect(trial.addresses).toEqual(["10.0.0.1"]);
    await trial.clock.advance(5_000);
    expect(trial.addresses).toEqual(["10.0.0.1", "10.0.0.2"]);
    await trial.stop();
  });

  it("tries until a name can be resolved, and tells of the trouble once", async () => {
    const trial = start("db1", [
      new Error("ENOTFOUND"),
      new Error("ENOTFOUND"),
      new Error("ENOTFOUND"),
      ["::1"],
    ]);
    await trial.clock.advance(100 + 200);
    expect([trial.addresses, trial.troubles]).toEqual([[], ["ENOTFOUND"]]);
    await trial.clock.advance(400);
    expect([trial.addresses, trial.troubles]).toEqual([["::1"], ["ENOTFOUND"]]);
    await trial.stop();
  });

  it("keeps its address for a while when the resolver can't be asked", async () => {
    const down = Object.assign(new Error("EAI_AGAIN"), { code: "EAI_AGAIN" });
    const trial = start("db1", [["10.0.0.1"], down, ["10.0.0.1"], down]);
    await trial.clock.advance(5_000 + 100 + 5_000);
    expect([trial.addresses, trial.troubles]).toEqual([["10.0.0.1"], ["EAI_AGAIN", "EAI_AGAIN"]]);
    await trial.clock.advance(54_000);
    expect(trial.addresses).toEqual(["10.0.0.1"]);
    await trial.clock.advance(3_000);
    expect(trial.addresses).toEqual(["10.0.0.1", "gone: EAI_AGAIN"]);
    await trial.stop();
  });

  it("lets go of its address as soon as the resolver says that there is no such name", async () => {
    const unknown = Object.assign(new Error("ENOTFOUND"), { code: "ENOTFOUND" });
    const trial = start("db1", [["10.0.0.1"], unknown, ["10.0.0.2"]]);
    await trial.clock.advance(5_000);
    expect(trial.addresses).toEqual(["10.0.0.1", "gone: ENOTFOUND"]);
    await trial.clock.advance(100);
    expect(trial.addresses).toEqual(["10.0.0.1", "gone: ENOTFOUND", "10.0.0.2"]);
    await trial.stop();
  });

  it("takes the address that answers, and keeps it while the host has it", async () => {
    const trial = start("db1", [["::1", "10.0.0.1"]], { reachable: ["10.0.0.1"] });
    await trial.clock.advance(60_000);
    expect(trial.addresses).toEqual(["10.0.0.1"]);
    expect(trial.reached()).toBe(2);
    await trial.stop();
  });

  it("looks until one of several answers", async () => {
    const reachable: string[] = [];
    const trial = start("db1", [["::1", "10.0.0.1"]], { reachable });
    await trial.clock.advance(300);
    expect(trial.addresses).toEqual(["::1"]);
    reachable.push("10.0.0.1");
    await trial.clock.advance(1_000);
    expect(trial.addresses).toEqual(["::1", "10.0.0.1"]);
    await trial.stop();
  });

  it.each([["0.0.0.0"], ["255.255.255.255"], ["224.0.0.1"], ["::"], ["ff02::1"], ["fe80::1%eth0"]])(
    "takes %s for no address of a host",
    async (address) => {
      const literal = start(address, []);
      const named = start("db1", [[address]]);
      await literal.clock.advance(0);
      await named.clock.advance(0);
      expect([literal.addresses, literal.troubles.length]).toEqual([[], 1]);
      expect([named.addresses, named.troubles.length]).toEqual([[], 1]);
      await literal.stop();
      await named.stop();
    },
  );

  it("tells nothing any more once it is stopped, not even what a slow resolver says", async () => {
    const slow = Promise.withResolvers<readonly string[]>();
    const trial = start("db1", [slow.promise]);
    await trial.clock.advance(0);
    const stopped = trial.stop();
    slow.resolve(["10.0.0.1"]);
    await stopped;
    expect([trial.addresses, trial.troubles]).toEqual([[], []]);
  });
});

type Answer = readonly string[] | Error | Promise<readonly string[]>;

function start(
  host: string,
  answers: Answer[],
  { reachable = [] }: { readonly reachable?: readonly string[] } = {},
) {
  const clock = createManualClock();
  const ended = new AbortController();
  const addresses: string[] = [];
  const troubles: string[] = [];
  let asked = 0;
  let reached = 0;
  const lookup: Lookup = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer instanceof Error) throw answer;
    return (await answer) ?? [];
  };
  const done = followAddress(host, {
    lookup,
    clock,
    reach: async (address) => {
      reached += 1;
      return reachable.includes(address);
    },
    intervalMs: 5_000,
    keepMs: 60_000,
    signal: ended.signal,
    onGone: (error) => addresses.push(`gone: ${(error as Error).message}`),
    onAddress: (address) => addresses.push(address),
    onTrouble: (error) => troubles.push((error as Error).message),
  });
  const stop = (): Promise<void> => {
    ended.abort();
    return done;
  };
  return { clock, addresses, troubles, done, stop, asked: () => asked, reached: () => reached };
}
