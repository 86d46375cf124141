import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { getFreePort, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { joinGroup, logOf, startFirst } from "./stages.ts";

/**
 * Resolves with what the node's port answers, once it listens and answers all of these lines: a node asks for it every few
 * seconds.
 */
async function metricsOf(node: HookNode, port: number, lines: readonly string[] = []): Promise<string> {
  return await waitFor(
    async () => {
      expect(await node.hook("alive")).toMatchObject({ exitCode: 0 });
      const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
      const answer = response?.ok ? await response.text() : "";
      return answer !== "" && lines.every((line) => answer.includes(`\nmsdha_postgresql_${line}`))
        ? answer
        : undefined;
    },
    { what: `the metrics of ${node.name}, with ${lines.join(", ")}` },
  );
}

test("a PostgreSQL node answers with numbers of its server, as the master, as a standby, and without a server", async () => {
  const [ofA, ofB] = [await getFreePort(), await getFreePort()];
  await using group = await createHookGroup({ MSDHA_STATUS_BIND: "127.0.0.1" });
  const a = group.node("a", { MSDHA_PG_METRICS_PORT: String(ofA) });
  await startFirst(group, "a");
  const b = await joinGroup(group, "b", { MSDHA_PG_METRICS_PORT: String(ofB) });
  void a.sql("SELECT pg_sleep(600)").catch(() => {});
  const master = await metricsOf(a, ofA, [
    'connections{group="g",node="a",state="active"} 1\n',
    'up{group="g",node="a"} 1',
    'in_recovery{group="g",node="a"} 0',
    'standby_behind_bytes{group="g",node="a",standby="b"} 0',
    'database_size_bytes{group="g",node="a",database="postgres"} ',
    'max_connections{group="g",node="a"} 100',
  ]);
  const standby = await metricsOf(b, ofB, [
    'in_recovery{group="g",node="b"} 1\n',
    'replay_behind_bytes{group="g",node="b"} 0\n',
  ]);
  expect(master).toMatch(/\nmsdha_postgresql_slot_active\{group="g",node="a",slot="msdha_b_\d+"\} 1\n/);
  expect(master).not.toContain("replay_behind_bytes");
  for (const scraped of [master, standby]) {
    execFileSync("promtool", ["check", "metrics"], { input: scraped, stdio: ["pipe", "pipe", "pipe"] });
  }
  // The alerts ask for no others.
  const alerts = readFileSync(new URL("../../../monitoring/alerts.yml", import.meta.url), "utf8");
  const asked = alerts.match(/\bmsdha_postgresql_\w+/g) ?? [];
  expect(asked.filter((name) => !master.includes(`\n# TYPE ${name} `))).toEqual([]);
  expect(asked.length).toBeGreaterThan(5);

  // Another node took the port.
  const c = await joinGroup(group, "c", { MSDHA_PG_METRICS_PORT: String(ofB) });
  expect(await c.hook("alive")).toMatchObject({ exitCode: 0 });
  const why = `the metrics of PostgreSQL are not served: can't listen on MSDHA_PG_METRICS_PORT ${ofB}: the port is in use`;
  await waitFor(() => logOf(c).includes(why), {
    what: "c to say why it does not listen",
  });

  await b.stop("SIGKILL");
  expect(await metricsOf(b, ofB, ['up{group="g",node="b"} 0'])).toBe(
    [
      "# HELP msdha_postgresql_up 1 while the server answers",
      "# TYPE msdha_postgresql_up gauge",
      'msdha_postgresql_up{group="g",node="b"} 0',
      "",
    ].join("\n"),
  );
});
