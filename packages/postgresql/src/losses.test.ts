import { expect, test } from "vitest";
import { addLoss, addNote } from "./losses.ts";

const loss = { time: "2026-11-29T08:00:00.000Z", master: "b", bytes: 1_234, former: "a" };
const line = "2026-11-29T08:00:00.000Z b 1234 a";

test("adds a loss to the group's", () => {
  expect(addLoss(undefined, loss)).toBe(line);
  expect(addLoss("before", loss)).toBe(`before\n${line}`);
});

test("forgets the oldest beyond twenty", () => {
  const before = Array.from({ length: 20 }, (_, index) => `loss ${index}`).join("\n");
  const after = addLoss(before, loss).split("\n");
  expect(after).toHaveLength(20);
  expect(after[0]).toBe("loss 1");
  expect(after.at(-1)).toBe(line);
});

test("keeps the last twenty notes of the group's history", () => {
  expect(addNote(undefined, "7", "lost 1 kB")).toBe("7 lost 1 kB");
  const many = Array.from({ length: 20 }, (_, index) => `${index} lost`).join("\n");
  expect(addNote(many, "20", "lost").split("\n")).toEqual(
    Array.from({ length: 20 }, (_, index) => `${index + 1} lost`),
  );
});
