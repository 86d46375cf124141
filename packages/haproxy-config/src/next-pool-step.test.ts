import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextPoolStep } from "./next-pool-step.ts";
import type { Slot } from "./next-step.ts";

const at = (address: string) => ({ address, port: 5432 });
const slot = (name: string, address: string, state: Slot["state"], drainedAt?: number): Slot => ({
  name,
  ...at(address),
  state,
  drainedAt,
});
const a = "10.0.0.1";
const b = "10.0.0.2";

describe("nextPoolStep", () => {
  it("gives an idle slot the address first, and then the connections", () => {
    const before = [slot("p0", "127.0.0.1", "maint"), slot("p1", "127.0.0.1", "maint")];
    expect(nextPoolStep([at(a)], before, 0, 100)).toEqual({ kind: "address", slot: "p0", to: at(a) });
    const after = [slot("p0", a, "maint"), slot("p1", "127.0.0.1", "maint")];
    expect(nextPoolStep([at(a)], after, 0, 100)).toEqual({
      kind: "states",
      changes: [{ server: "p0", state: "ready", to: at(a) }],
    });
  });

  it("drains a server that is not wanted any more, and cuts what is left after a while", () => {
    const before = [slot("p0", a, "ready"), slot("p1", b, "ready")];
    expect(nextPoolStep([at(b)], before, 0, 100)).toEqual({
      kind: "states",
      changes: [{ server: "p0", state: "drain" }],
    });
    const drains = [slot("p0", a, "drain", 0), slot("p1", b, "ready")];
    expect(nextPoolStep([at(b)], drains, 40, 100)).toEqual({ kind: "wait", ms: 60 });
    expect(nextPoolStep([at(b)], drains, 100, 100)).toEqual({
      kind: "states",
      changes: [{ server: "p0", state: "maint" }],
    });
  });

  it("takes back a server that drains", () => {
    expect(nextPoolStep([at(a)], [slot("p0", a, "drain", 0)], 40, 100)).toEqual({
      kind: "states",
      changes: [{ server: "p0", state: "ready", to: at(a) }],
    });
  });

  it("comes from any state to just the wanted servers, and stays there", () => {
    const address = fc.constantFrom(a, b, "10.0.0.3", "::1", "0:0::1");
    const slots = fc.array(fc.tuple(address, fc.constantFrom("ready", "drain", "maint" as const)), {
      minLength: 3,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(address, { maxLength: 3 }), slots, (wanted, begun) => {
        let now = 0;
        let state = begun.map(([where, how], index) => slot(`p${index}`, where, how, 0));
        for (let steps = 0; steps < 50; steps += 1) {
          const step = nextPoolStep(wanted.map(at), state, now, 100);
          if (step.kind === "done") break;
          if (step.kind === "wait") now += step.ms;
          if (step.kind === "address")
            state = state.map((one) => (one.name === step.slot ? { ...one, ...step.to } : one));
          if (step.kind === "states")
            state = state.map((one) => {
              const change = step.changes.find(({ server }) => server === one.name);
              return change ? { ...one, state: change.state, drainedAt: now } : one;
            });
        }
        const canonical = (text: string): string => (text === "0:0::1" ? "::1" : text);
        const serving = state.filter((one) => one.state === "ready").map((one) => canonical(one.address));
        expect(serving.toSorted()).toEqual([...new Set(wanted.map(canonical))].toSorted());
        expect(state.some((one) => one.state === "drain")).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
