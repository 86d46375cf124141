import { describe, expect, it } from "vitest";
import { sameWanted, type Wanted, wantedFrom } from "./wanted.ts";

const master: Wanted = { kind: "master", name: "a", host: "10.0.0.1", owner: "7" };
const none: Wanted = { kind: "none" };

describe("wantedFrom", () => {
  it("wants the master where there is one", () => {
    expect(wantedFrom(none, { kind: "master", name: "a", address: "10.0.0.1", token: 7 })).toEqual(master);
  });

  it("lets the sessions of a master that stops go on", () => {
    expect(wantedFrom(master, { kind: "stopping", token: 7 })).toEqual({ kind: "stopping", owner: "7" });
    const stopping: Wanted = { kind: "stopping", owner: "7" };
    expect(wantedFrom(stopping, { kind: "stopping", token: 7 })).toEqual(stopping);
  });

  it("lets nobody's sessions go on for a lock that was not that master's", () => {
    expect(wantedFrom(master, { kind: "stopping", token: 8 })).toEqual(none);
    expect(wantedFrom(none, { kind: "stopping", token: 7 })).toEqual(none);
  });

  it("wants none where there is none", () => {
    expect(wantedFrom(master, { kind: "none" })).toEqual(none);
  });
});

describe("sameWanted", () => {
  it("tells terms of one master apart, and addresses of one term", () => {
    expect(sameWanted(master, { ...master })).toBe(true);
    expect(sameWanted(master, { ...master, owner: "8" })).toBe(false);
    expect(sameWanted(master, { ...master, host: "10.0.0.2" })).toBe(false);
    expect(sameWanted(master, { kind: "stopping", owner: "7" })).toBe(false);
    expect(sameWanted({ kind: "stopping", owner: "7" }, { kind: "stopping", owner: "7" })).toBe(true);
    expect(sameWanted(none, master)).toBe(false);
    expect(sameWanted(none, none)).toBe(true);
  });
});
