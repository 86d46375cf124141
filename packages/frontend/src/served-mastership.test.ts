import type { Mastership } from "@msdha/group";
import { describe, expect, it } from "vitest";
import { sameMastership, servedMastership } from "./served-mastership.ts";

const master: Mastership = { kind: "master", name: "a", address: "10.0.0.1", token: 7 };
const none: Mastership = { kind: "none" };

describe("servedMastership", () => {
  it("lets the sessions of a master that stops go on", () => {
    const stopping: Mastership = { kind: "stopping", token: 7 };
    expect(servedMastership(master, stopping)).toEqual(stopping);
    expect(servedMastership({ ...master, held: true }, stopping)).toEqual(stopping);
    expect(servedMastership(stopping, stopping)).toEqual(stopping);
  });

  it("lets nobody's sessions go on for a lock that was not that master's", () => {
    expect(servedMastership(master, { kind: "stopping", token: 8 })).toEqual(none);
    expect(servedMastership(none, { kind: "stopping", token: 7 })).toEqual(none);
  });

  it("takes a master, and that there is none, as the group says it", () => {
    expect(servedMastership(none, master)).toEqual(master);
    expect(servedMastership(master, none)).toEqual(none);
  });
});

describe("sameMastership", () => {
  it("tells terms of one master apart, and addresses of one term", () => {
    expect(sameMastership(master, { ...master })).toBe(true);
    expect(sameMastership(master, { ...master, token: 8 })).toBe(false);
    expect(sameMastership(master, { ...master, address: "10.0.0.2" })).toBe(false);
    expect(sameMastership(master, { kind: "stopping", token: 7 })).toBe(false);
    expect(sameMastership({ kind: "stopping", token: 7 }, { kind: "stopping", token: 7 })).toBe(true);
    expect(sameMastership(none, master)).toBe(false);
    expect(sameMastership(none, none)).toBe(true);
  });

  it("tells a master that takes no traffic yet from one that does, whatever its address", () => {
    const held: Mastership = { ...master, held: true };
    expect(sameMastership(held, master)).toBe(false);
    expect(sameMastership(held, { ...held, address: "10.0.0.2" })).toBe(true);
  });
});
