import { type EtcdMember, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, put, record } from "./harness.ts";
import { type IsolatableCluster, startIsolatableCluster } from "./isolatable-cluster.ts";

let cluster: IsolatableCluster;

beforeAll(async () => {
  cluster = await startIsolatableCluster();
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

async function isLeader(member: EtcdMember): Promise<boolean> {
  const output = await member.etcdctl("endpoint", "status", "-w", "fields");
  const field = (name: string): string | undefined =>
    new RegExp(`^"${name}" : (\\d+)$`, "m").exec(output)?.[1];
  return field("MemberID") === field("Leader");
}

test.each(["a follower", "the leader"])(
  "a watch on %s that is cut off from its peers moves on",
  async (who) => {
    const leads = await Promise.all(cluster.members.map(isLeader));
    const target = leads.indexOf(who === "the leader");
    const ports = [0, 1, 2].map((step) => (cluster.members[(target + step) % 3] as EtcdMember).clientPort);
    await using watcher = connect(ports);
    await using writer = connect(ports.slice(1));
    await using watch = record(watcher, "/p/");
    await waitFor(() => watch.health.length > 0, { what: "the watch" });
    await put(writer, "/p/a", "before");
    await waitFor(() => watch.events.length === 1, { what: "the first change" });

    cluster.isolate(target);
    try {
      const values = ["1", "2", "3"];
      for (const value of values) {
        await waitFor(() => put(writer, "/p/a", value), { what: "a write without the member" });
      }
      await waitFor(() => watch.events.at(-1)?.kv.value === "3", { what: "the changes", timeoutMs: 20_000 });
      // A write whose first answer was lost may have been carried out twice, so no more than order and gaps are compared.
      const told = watch.events.map(({ kv }) => kv.value);
      expect([...new Set(told)]).toEqual(["before", ...values]);
      expect(watch.batches.some((batch) => batch.type === "changes" && batch.resync)).toBe(false);
    } finally {
      cluster.heal();
      await Promise.all(cluster.members.map((member) => member.ready()));
    }
  },
);
