import { expect, test } from "vitest";
import { describeAge } from "./show-local.ts";

const status = {
  master: { kind: "master", name: "a", address: "a", token: 7 },
  ttlSeconds: 3,
} as const;

test("says that a master may have ended of which etcd has confirmed nothing for too long", () => {
  expect(describeAge(status, 6_000)).toBe(": if a reaches no etcd either, it has ended by now");
  expect(describeAge(status, 5_000)).toBe("");
  expect(describeAge(status, undefined)).toBe("");
  expect(describeAge({ ...status, master: { kind: "none" } }, 6_000)).toBe("");
});
