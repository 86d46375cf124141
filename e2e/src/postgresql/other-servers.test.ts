import { spawn } from "node:child_process";
import { chownSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, startFirst } from "./stages.ts";

const OTHER = '/usr/lib/postgresql/15/bin/postgres "-D" "/var/lib/postgresql/data"\n';

describe.concurrent("a PostgreSQL server that MSDHA did not start, on a node's data", () => {
  test("keeps the node from its start while it may run in another container", async () => {
    await using group = await createHookGroup();
    const a = await usedByOthers(group, "SIGKILL");
    const refused = await a.hook("pre_start");
    expect(refused).toEqual({
      exitCode: 1,
      output:
        `PGDATA: a server that this node did not start was started on ${a.data}, and may still run, in another container or on another ` +
        `machine: stop it. If you know that it does not run any more, remove ${a.data}/postmaster.opts`,
    });
    rmSync(join(a.data, "postmaster.opts"));
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
  });

  test("does not keep it when it was shut down", async () => {
    await using group = await createHookGroup();
    const a = await usedByOthers(group, "SIGINT");
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
  });

  test("does not have the node end one that has not begun to listen yet", async () => {
    await using group = await createHookGroup();
    const a = await usedByOthers(group, "SIGINT");
    expectSuccess(await a.hook("pre_start"));
    expectSuccess(await a.hook("alive"));
    await becomeReady(a);
    expectSuccess(await a.hook("alive"));
  });

  test.skipIf(process.getuid?.() !== 0)(
    "has the node end its own when it was started meanwhile",
    async () => {
      await using group = await createHookGroup();
      const a = await startFirst(group, "a");
      expectSuccess(await a.hook("alive"));
      using _ = await startElsewhere(a);
      const { exitCode, output } = await a.hook("alive");
      expect(exitCode).toBe(1);
      expect(output).toMatch(
        /^another server was started on \S+, in another container .*: killed its \d+ processes/,
      );
      await a.ended;
      expect((await a.hook("pre_start")).output).toMatch(/^PGDATA: a server that this node did not start/);
    },
  );
});

describe.concurrent("a backup_label that a backup has left in the data of a PostgreSQL node", () => {
  test("keeps the node from a start that would begin at an older point of its log", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    const [redo, checkpoint, file, timeline] = (
      await a.sql(
        "SELECT concat_ws(' ', redo_lsn, checkpoint_lsn, redo_wal_file, timeline_id) FROM pg_control_checkpoint()",
      )
    ).split(" ");
    // As PostgreSQL 14 begins it in the data.
    writeAsServer(
      a,
      "backup_label",
      `START WAL LOCATION: ${redo} (file ${file})\nCHECKPOINT LOCATION: ${checkpoint}\nBACKUP METHOD: streamed\nBACKUP FROM: primary\n` +
        `START TIME: 2026-11-30 11:00:00 UTC\nLABEL: left\nSTART TIMELINE: ${timeline}\n`,
    );
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    const refused = await a.hook("pre_start");
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(
      /^PGDATA: \S+ has a backup_label that is newer than the last start of its server, /,
    );
    rmSync(join(a.data, "backup_label"));
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expect(await a.sql("SELECT x FROM t")).toBe("1");
  });

  test("does not keep a clone whose first start was cut from its next one", async () => {
    await using group = await createHookGroup();
    await startFirst(group, "a");
    const b = group.node("b");
    expectSuccess(await b.hook("pre_start"));
    const { mtimeMs } = statSync(join(b.data, "backup_label"));
    writeAsServer(b, "postmaster.opts", 'postgres "-c" "restart_after_crash=off"\n');
    const later = (mtimeMs + 10) / 1_000;
    utimesSync(join(b.data, "postmaster.opts"), later, later);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
  });
});

/** A node whose server has ended by a signal; the last one that was started on its data was none of MSDHA's. */
async function usedByOthers(group: HookGroup, signal: "SIGKILL" | "SIGINT"): Promise<HookNode> {
  const a = await startFirst(group, "a");
  await a.stop(signal);
  group.setMaster(undefined);
  writeAsServer(a, "postmaster.opts", OTHER);
  return a;
}

/** Starts a server on a node's data where process ids and shared memory are others, as in a container. */
async function startElsewhere({ data }: HookNode): Promise<Disposable> {
  const { uid, gid } = statSync(data);
  const command = [
    ...["unshare", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"],
    ...[
      "setpriv",
      `--reuid=${uid}`,
      `--regid=${gid}`,
      "--clear-groups",
      "/usr/lib/postgresql/15/bin/postgres",
      "-D",
      data,
    ],
    ...["-c", "listen_addresses=", "-c", `unix_socket_directories=${data}`],
  ];
  const child = spawn(command[0] ?? "", command.slice(1), { stdio: "ignore" });
  await waitFor(() => readFileSync(join(data, "postmaster.opts"), "utf8").includes('"listen_addresses="'), {
    what: "its command line",
  });
  return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}

function writeAsServer({ data }: HookNode, name: string, text: string): void {
  const { uid, gid } = statSync(data);
  writeFileSync(join(data, name), text);
  chownSync(join(data, name), uid, gid);
}
