import { expect, test } from "vitest";
import { describeGroup } from "./group-status.ts";
import { parseLocalView, writeLocalView } from "./local-view.ts";
import { createGroupView } from "./view.ts";

const view = createGroupView("db");
const known = { group: "db", by: "node one", ageMs: 1_234, status: describeGroup(view) };

test("is read as it was written", () => {
  expect(parseLocalView(writeLocalView(known))).toEqual(known);
  expect(parseLocalView(writeLocalView({ ...known, ageMs: undefined }))).toEqual({
    ...known,
    ageMs: undefined,
  });
});

test.each([
  "",
  "msdha-backend: unknown command 'view'\n",
  '{"group":"db"}',
  '{"group":"db","by":"x","status":null}',
  '{"group":"db","by":"x","status":{"nodes":3}}',
])("is not read from %j", (text) => {
  expect(parseLocalView(text)).toBeUndefined();
});
