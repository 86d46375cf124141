import { describe, expect, it } from "vitest";
import { nextStep, type Route, type Slot } from "./next-step.ts";

const drainMs = 120;
const nowhere = { address: "127.0.0.1", port: 1 };
const a = { address: "10.0.0.1", port: 5432, owner: "1" };
const b = { address: "10.0.0.2", port: 5432, owner: "2" };
const toA: Route = { kind: "serve", ...a };
const toB: Route = { kind: "serve", ...b };
const none: Route = { kind: "none" };

describe("nextStep", () => {
  it("gives the master's address to an idle slot before it makes it ready", () => {
    expect(nextStep(toA, slots(["maint", nowhere], ["maint", nowhere]), 0, drainMs)).toEqual({
      kind: "address",
      slot: "m0",
      to: { address: "10.0.0.1", port: 5432 },
    });
    expect(nextStep(toA, slots(["maint", a], ["maint", nowhere]), 0, drainMs)).toEqual({
      kind: "states",
      changes: [{ server: "m0", state: "ready", to: { address: "10.0.0.1", port: 5432 } }],
    });
  });

  it("drains the old slot before the new one is ready, in one go", () => {
    expect(nextStep(toB, slots(["ready", a], ["maint", b]), 0, drainMs)).toEqual({
      kind: "states",
      changes: [
        { server: "m0", state: "drain" },
        { server: "m1", state: "ready", to: { address: "10.0.0.2", port: 5432 } },
      ],
    });
  });

  it("cuts the old sessions once the drain is over", () => {
    const draining = slots(["drain", { ...a, drainedAt: 1000 }], ["ready", b]);
    expect(nextStep(toB, draining, 1050, drainMs)).toEqual({ kind: "wait", ms: 70 });
    expect(nextStep(toB, draining, 1120, drainMs)).toEqual(states("m0", "maint"));
    expect(nextStep(toB, slots(["maint", a], ["ready", b]), 1120, drainMs)).toEqual({ kind: "done" });
  });

  it("takes another owner at the same address for another master", () => {
    const returned: Route = { kind: "serve", ...a, owner: "3" };
    expect(nextStep(returned, slots(["ready", a], ["maint", nowhere]), 0, drainMs)).toMatchObject({
      kind: "address",
      slot: "m1",
    });
  });

  it("takes two spellings of an IPv6 address for one", () => {
    const route: Route = { kind: "serve", owner: "1", address: "0:0::1", port: 1 };
    const slot = { address: "::1", port: 1, owner: "1" };
    expect(nextStep(route, slots(["ready", slot], ["maint", nowhere]), 0, drainMs)).toEqual({ kind: "done" });
  });

  it("lets the sessions of a master that stops go on", () => {
    const route: Route = { kind: "drain", owner: "1" };
    expect(nextStep(route, slots(["ready", a], ["maint", nowhere]), 0, drainMs)).toEqual(
      states("m0", "drain"),
    );
    const draining = slots(["drain", { ...a, drainedAt: 0 }], ["maint", nowhere]);
    expect(nextStep(route, draining, 100_000, drainMs)).toEqual({ kind: "done" });
  });

  it("cuts the sessions of the master before one that stops", () => {
    const route: Route = { kind: "drain", owner: "2" };
    const both = slots(["drain", { ...a, drainedAt: 0 }], ["drain", { ...b, drainedAt: 0 }]);
    expect(nextStep(route, both, 500, drainMs)).toEqual(states("m0", "maint"));
  });

  it("serves again from the slot of a master that drained", () => {
    const draining = slots(["drain", { ...a, drainedAt: 0 }], ["maint", nowhere]);
    expect(nextStep(toA, draining, 500, drainMs)).toMatchObject(states("m0", "ready"));
  });

  it("lets what is still connecting go back to waiting before it cuts the sessions of a lost master", () => {
    expect(nextStep(none, slots(["ready", a], ["maint", nowhere]), 0, drainMs)).toEqual(
      states("m0", "drain"),
    );
    const draining = slots(["drain", { ...a, drainedAt: 0 }], ["maint", nowhere]);
    expect(nextStep(none, draining, 0, drainMs)).toEqual({ kind: "wait", ms: 120 });
    expect(nextStep(none, draining, 120, drainMs)).toEqual(states("m0", "maint"));
  });

  it("cuts a master that drained for long at once when its lock is gone", () => {
    const draining = slots(["drain", { ...a, drainedAt: 0 }], ["maint", nowhere]);
    expect(nextStep(none, draining, 5_000, drainMs)).toEqual(states("m0", "maint"));
  });

  it("takes the slot that has drained longest when none is idle, and stops serving the wrong master", () => {
    const c: Route = { kind: "serve", owner: "3", address: "10.0.0.3", port: 5432 };
    const busy = slots(["ready", b], ["drain", { ...a, drainedAt: 10 }]);
    expect(nextStep(c, busy, 20, drainMs)).toEqual({
      kind: "states",
      changes: [
        { server: "m0", state: "drain" },
        { server: "m1", state: "maint" },
      ],
    });
  });
});

type Content = Omit<Slot, "name" | "state">;

function slots(...contents: [Slot["state"], Content][]): Slot[] {
  return contents.map(([state, content], index) => ({ name: `m${index}`, state, ...content }));
}

function states(server: string, state: Slot["state"]): object {
  return { kind: "states", changes: [{ server, state }] };
}
