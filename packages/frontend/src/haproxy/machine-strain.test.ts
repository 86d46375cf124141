import { describe, expect, it } from "vitest";
import { measureStrain } from "./machine-strain.ts";

describe("measureStrain", () => {
  it("returns how many processes there were for each processor in the last minute", () => {
    expect(measureStrain({ read: () => "9.00 1.00 1.00 1/80 11206\n", processors: 2 })()).toBe(4.5);
  });

  it("returns how many run now where many have just begun", () => {
    expect(measureStrain({ read: () => "0.20 0.18 0.12 13/80 11206\n", processors: 2 })()).toBe(6);
  });

  it("takes no single look for the rule", () => {
    const reads = [
      "0.20 0.18 0.12 13/80 11206\n",
      "0.20 0.18 0.12 1/80 11206\n",
      "0.20 0.18 0.12 5/80 11206\n",
    ];
    const strain = measureStrain({ read: () => reads.shift() ?? "", processors: 1 });
    expect([strain(), strain(), strain()]).toEqual([12, 6, 16 / 3]);
  });

  it("does not count the process that measures", () => {
    expect(measureStrain({ read: () => "0.00 0.00 0.00 2/80 11206\n", processors: 1 })()).toBe(1);
  });

  it.each(["200.00 1.00 1.00 1/80 1\n", "1.00 1.00 1.00 900/2000 1\n"])(
    "returns at most 20, as for %j",
    (text) => {
      expect(measureStrain({ read: () => text, processors: 2 })()).toBe(20);
    },
  );

  it.each(["", "not a load\n", "0.00 0.00 0.00 1/80 1\n"])("returns at least 1, as for %j", (text) => {
    expect(measureStrain({ read: () => text, processors: 2 })()).toBe(1);
  });

  it("reads this machine's load", () => {
    expect(measureStrain()()).toBeGreaterThanOrEqual(1);
  });
});
