import { expect, test } from "vitest";
import { formatMetrics, METRICS_SQL, readSamples } from "./metrics.ts";

test("writes samples in Prometheus' text format, with the group's and the node's name", async () => {
  const rows = [
    ["slot_active", "slot", 'a "b"\\', "1"],
    ["up", null, null, "1"],
    ["wal_position_bytes", null, null, null],
    ["nonsense", null, null, "1"],
  ];
  expect(await formatMetrics(readSamples(rows), { group: "g", node: "n" })).toBe(
    [
      "# HELP msdha_postgresql_up 1 while the server answers",
      "# TYPE msdha_postgresql_up gauge",
      'msdha_postgresql_up{group="g",node="n"} 1',
      "# HELP msdha_postgresql_slot_active 1 while a replication slot is in use",
      "# TYPE msdha_postgresql_slot_active gauge",
      'msdha_postgresql_slot_active{group="g",node="n",slot="a \\"b\\"\\\\"} 1',
      "",
    ].join("\n"),
  );
});

test("asks for each of its numbers", async () => {
  const asked = [...METRICS_SQL.matchAll(/SELECT '(\w+)',/g)].map(([, name]) => name ?? "");
  const samples = asked.map((name) => ({ name, labels: {}, value: "0" }));
  const published = (await formatMetrics(samples, { group: "g", node: "n" })).match(/^# TYPE/gm);
  expect(published).toHaveLength(asked.length);
  expect(asked.length).toBeGreaterThan(20);
});
