import { expect, test } from "vitest";
import { createActivity, readProgress } from "./activity.ts";

test("names what began last, until it is over", () => {
  const activity = createActivity();
  expect(activity.note).toBe("");
  {
    using _waiting = activity.begin("waiting");
    {
      using cloning = activity.begin("cloning");
      cloning.update("cloning 71 %");
      expect(activity.note).toBe("cloning 71 %");
    }
    expect(activity.note).toBe("waiting");
  }
  expect(activity.note).toBe("");
});

test.each([
  ["   34567/48562 kB (71%), 0/1 tablespace", 71],
  ["48562/48562 kB (100%), 1/1 tablespace (...ta.msdha-new/data/global/pg_control)", 100],
  ["waiting for checkpoint", undefined],
  ['pg_basebackup: error: directory "x (3%)" exists but is not empty', undefined],
])("reads the progress in %j", (line, percent) => {
  expect(readProgress(line)).toBe(percent);
});
