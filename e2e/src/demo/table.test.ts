import { expect, test } from "vitest";
import { renderTable } from "./table.ts";

const progress = { event: "main-crash", rows: 120, gapMs: 340, refusedConnections: 0 };

test("the table shows who is the master, who streams and how far behind, and what clients saw", () => {
  const master = { role: "primary", streams: false, standbys: { n2: 512 } } as const;
  const view = {
    nodes: [
      { name: "n1", address: "127.64.0.1", state: "master", isMaster: true, server: master },
      {
        name: "n2",
        address: "127.64.0.2",
        state: "ready",
        isMaster: false,
        server: { role: "standby", streams: true, standbys: {} } as const,
      },
      { name: "n3", address: "127.64.0.3", state: "", isMaster: false, server: undefined },
    ],
    token: 7,
    etcdAnswers: true,
  };
  expect(renderTable({ ...view, master: view.nodes[0] }, progress)).toBe(
    [
      "  node   address      state    PostgreSQL   replication",
      "  n1     127.64.0.1   MASTER   primary      to n2",
      "  n2     127.64.0.2   ready    standby      streaming, 512 bytes behind",
      "  n3     127.64.0.3   -        -",
      "  main-crash   rows 120   longest gap 0.34 s   refused 0",
    ].join("\n"),
  );
});

test("the table says when etcd does not answer", () => {
  const view = { nodes: [], master: undefined, token: 0, etcdAnswers: false };
  expect(renderTable(view, progress)).toContain("etcd does not answer");
});
