import { describe, expect, it } from "vitest";
import { type Interfaces, isOwnAddress } from "./own-address.ts";

const interfaces = (() => ({
  eth0: [{ address: "10.0.0.5" }, { address: "fd00::5" }],
})) as unknown as Interfaces;

describe("isOwnAddress", () => {
  it.each([
    ["10.0.0.5", ["::"], true],
    ["fd00::5", ["::"], true],
    ["127.3.2.1", ["::"], true],
    ["::1", ["::"], true],
    ["10.0.0.6", ["::"], false],
    ["10.0.0.5", ["0.0.0.0"], true],
    ["fd00::5", ["0.0.0.0"], false],
    ["10.0.0.5", ["127.0.0.1"], false],
    ["127.0.0.1", ["127.0.0.1"], true],
    ["127.0.0.2", ["127.0.0.1"], false],
  ])("says of %s, listening on %j: %s", (address, listening, own) => {
    expect(isOwnAddress(address, listening, { interfaces })).toBe(own);
  });
});
