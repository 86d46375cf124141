import { expect, test } from "vitest";
import { isByMaster, type ServedVisit } from "./check-visits.ts";

const masterships = [
  { node: "a", token: 1, from: 0, to: 10_000 },
  { node: "b", token: 2, from: 20_000, to: Number.POSITIVE_INFINITY },
];

function visit(by: string, begun: number, served: number): ServedVisit {
  return { frontend: "f", by, begun, served };
}

test("a visit may be served by who is the master, and for a moment by who was", () => {
  expect(isByMaster(visit("a", 5_000, 5_010), masterships, [])).toBe(true);
  expect(isByMaster(visit("a", 10_500, 10_510), masterships, [])).toBe(true);
  expect(isByMaster(visit("b", 12_000, 20_100), masterships, [])).toBe(true);
});

test("a visit served by who has not been the master for a while is a stray", () => {
  expect(isByMaster(visit("a", 13_000, 13_010), masterships, [])).toBe(false);
  expect(isByMaster(visit("b", 13_000, 13_010), masterships, [])).toBe(false);
  expect(isByMaster(visit("c", 5_000, 5_010), masterships, [])).toBe(false);
});

test("a blind frontend may believe in the last master it knew, and in no other", () => {
  const blindnesses = [{ from: 9_000, to: 14_000 }];
  expect(isByMaster(visit("a", 13_000, 13_010), masterships, blindnesses)).toBe(true);
  expect(isByMaster(visit("b", 13_000, 13_010), masterships, blindnesses)).toBe(false);
  expect(isByMaster(visit("a", 16_000, 16_010), masterships, blindnesses)).toBe(false);
});

test("blindnesses that touch are one", () => {
  const blindnesses = [
    { from: 9_000, to: 14_000 },
    { from: 13_500, to: 30_000 },
  ];
  expect(isByMaster(visit("a", 29_000, 29_010), masterships, blindnesses)).toBe(true);
});
