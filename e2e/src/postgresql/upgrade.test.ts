import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, promote } from "./stages.ts";

const PAGE = new URL("../../../docs/postgresql-upgrade.md", import.meta.url);
const OLD = "/usr/lib/postgresql/15/bin";
/** Another version, where the PATH has one: script/postgresql-17. */
const NEW =
  (process.env["PATH"] ?? "").split(":").find((folder) => existsSync(join(folder, "pg_upgrade"))) ?? OLD;

/** The commands of the page, for the versions that are here. */
function commandsOfPage(): string {
  const block = /^ {3}```sh\n([\s\S]*?)^ {3}```$/m.exec(readFileSync(PAGE, "utf8"))?.[1];
  if (!block) throw new Error("docs/postgresql-upgrade.md has no commands");
  return block.replace(/^ {3}OLD=\S+ NEW=\S+$/m, `OLD=${OLD} NEW=${NEW}`);
}

test("upgraded data make a new group, with every row, by the commands of the page", async () => {
  await using volume = tempDir({ prefix: "msdha-pg-volume-" });
  if (process.getuid?.() === 0) execFileSync("chown", ["postgres:", volume.path]);
  const data = join(volume.path, "pgdata");
  await using before = await createHookGroup({
    MSDHA_PG_SYNC: "preferred",
    MSDHA_PG_SYNC_PATIENCE: "0",
    MSDHA_PG_BIN: OLD,
  });
  const old = before.node("a", { PGDATA: data });
  expectSuccess(await old.hook("pre_start"));
  await becomeReady(old);
  await promote(before, old);
  await waitFor(() => before.value("postgresql-sync") === "async 1 a", { what: "commits that do not wait" });
  await old.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x");
  const identifier = await old.sql("SELECT system_identifier FROM pg_control_system()");
  expectSuccess(await old.hook("pre_stop"));
  await old.stop("SIGINT");

  const user =
    process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
  const [command = "", ...args] = [...user, "sh", "-ec", commandsOfPage()];
  execFileSync(command, args, { cwd: dirname(data), stdio: "pipe" });

  await using after = await createHookGroup({ MSDHA_PG_BIN: NEW });
  const a = after.node("a", { PGDATA: data });
  expect((await a.hook("pre_start")).output).toMatch(/^taking the data in .* into the group/);
  await becomeReady(a);
  await promote(after, a);
  expect(await a.sql("SELECT system_identifier FROM pg_control_system()")).not.toBe(identifier);
  const b = await joinGroup(after, "b");
  expect(await b.sql("SELECT count(*) FROM t")).toBe("1000");
});
