import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { cutClone } from "./cut-clone.ts";
import { createHookGroup } from "./hook-node.ts";
import { becomeReady, expectSuccess, startFirst } from "./stages.ts";

const BYTES = 2 ** 31;

test("a clone of 2 GB that was killed halfway is made anew, and nothing of the first one is left", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x");
  const b = group.node("b");
  await (await cutClone(a, b, "SIGKILL", { bytes: BYTES, after: BYTES / 2 }))[Symbol.asyncDispose]();
  expect(existsSync(b.data)).toBe(false);

  expectSuccess(await b.hook("pre_start"));
  expect(statSync(join(b.data, "ballast")).size).toBe(BYTES);
  expect(readdirSync(dirname(b.data)).filter((name) => name.includes("msdha-new"))).toEqual([]);
  await becomeReady(b);
  expect(await b.sql("SELECT count(*) FROM t")).toBe("1000");
  expect(await a.sql("SELECT string_agg(application_name, ' ') FROM pg_stat_replication")).toBe("b");
  expect(await a.sql("SELECT count(*) FROM pg_replication_slots")).toBe("1");
});
