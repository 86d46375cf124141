import { expect, test } from "vitest";
import { enoughOf } from "./enough-of.ts";

const never = new Promise<string>(() => {});
const no = (why: string): Promise<string> => Promise.reject(new Error(why));
const yes = (answer: string): Promise<string> => Promise.resolve(answer);
const sleep = async (): Promise<void> => {};

test("has all answers where all come", async () => {
  const longer = { sleep: () => new Promise<void>(() => {}) };
  expect(await enoughOf([yes("a"), yes("b")], 1, longer)).toEqual(["a", "b"]);
});

test("waits a moment only for more than are needed", async () => {
  expect(await enoughOf([never, yes("b")], 1, { sleep })).toEqual(["b"]);
  expect(await enoughOf([never], 0, { sleep })).toEqual([]);
  expect(await enoughOf([], 0, { sleep })).toEqual([]);
});

test("does without those that fail, as long as there are enough", async () => {
  expect(await enoughOf([no("a is gone"), yes("b")], 1, { sleep })).toEqual(["b"]);
  await expect(enoughOf([no("a is gone"), yes("b")], 2, { sleep })).rejects.toThrow("a is gone");
  await expect(enoughOf([never, no("b is gone")], 2, { sleep })).rejects.toThrow("b is gone");
});
