import { expect, test } from "vitest";
import { groupName } from "./names.ts";

test.each(["db", "db-2.eu", "Größe", "a:b", "a@b"])("takes %s as a name", (name) => {
  expect(groupName().parse(name)).toBe(name);
});

test.each(["", "_lock", "a/b", "a b", "a\n", "a\u2028b", "a\u0000", "a\ufffdb", "x".repeat(254)])(
  "refuses %j as a name",
  (name) => {
    expect(groupName().safeParse(name).success).toBe(false);
  },
);
