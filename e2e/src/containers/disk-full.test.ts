import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { runContainer } from "./support/container.ts";
import { startNetwork } from "./support/network.ts";
import { startPostgresql } from "./support/postgresql.ts";
import { createVolume } from "./support/volume.ts";

const DATA = "/var/lib/postgresql/data";

test("a master whose disk is full gives way, loses nothing, and comes back when there is room", async () => {
  await using volume = await createVolume({ size: "300m" });
  await using network = await startNetwork();
  // Holds the volume while the node is down, and fills it.
  await using holder = await runContainer({
    image: "msdha-backend-postgresql",
    network,
    alias: "holder",
    host: { Binds: [`${volume.name}:${DATA}`] },
    entrypoint: ["sleep", "infinity"],
  });
  await using db = await startPostgresql({
    ttlSeconds: 3,
    nodes: 3,
    first: { Binds: [`${volume.name}:${DATA}`] },
  });
  await db.whole();
  const full = await db.master();
  expect(full.alias).toBe("db1");

  await holder.exec(["sh", "-c", `cat /dev/zero >${DATA}/filler 2>/dev/null || :`]);
  db.begin();
  const next = await waitFor(
    async () => {
      // Writes log, and nothing but log: where a table can't grow, a statement fails and the server goes on.
      await db.query("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 8000000))").catch(() => {});
      const master = await db.master();
      return master === full ? undefined : master;
    },
    { what: "another master", timeoutMs: 90_000 },
  );
  await db.served();
  process.stdout.write(`disk full: gap ${db.measured().gapMs} ms until ${next.alias} serves\n`);
  expect(await db.missingRows()).toBe(0);

  await holder.exec(["rm", `${DATA}/filler`]);
  await db.whole();
  expect(await db.missingRows()).toBe(0);
});
