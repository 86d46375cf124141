import { expect, it } from "vitest";
import { duration, nodeLook, presentLook, termEnd } from "./words.ts";

it.each([
  [-5, "0 ms"],
  [412, "412 ms"],
  [2_340, "2.3 s"],
  [59_000, "59 s"],
  [61_000, "1 m 1 s"],
  [3_600_000, "1 h"],
  [7_500_000, "2 h 5 m"],
  [273_600_000, "3 d 4 h"],
])("says %d ms as %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it("gives a state that no node writes a look of its own", () => {
  expect(nodeLook("constructor")).toEqual({ sign: "?", class: "unknown", words: "constructor" });
});

it.each([
  ["master", false, "●"],
  ["ready", false, "●"],
  ["ready", true, "○"],
  ["running_not_ready", false, "◐"],
  ["stopping", false, "○"],
])("shows a node that is %s, held: %s, with the sign of msdha list", (state, isHeld, sign) => {
  const hold = isHeld ? { by: "", why: "", until: null } : null;
  expect(presentLook({ state, hold }).sign).toBe(sign);
});

it("says of a master that is gone that nobody knows how, and of the present one nothing", () => {
  const end = { why: "asked to stop", at: null };
  expect(termEnd({ end: null }, { isPast: false, now: 0 })).toBe("–");
  expect(termEnd({ end: null }, { isPast: true, now: 0 })).toBe(
    "not known: its node has not run again since",
  );
  expect(termEnd({ end }, { isPast: true, now: 0 })).toBe("asked to stop");
});
