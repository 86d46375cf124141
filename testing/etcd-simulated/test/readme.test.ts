import { createManualClock } from "@msdha/clock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";

test("the example of the README does what it says", async () => {
  const said: unknown[] = [];
  const console = { log: (text: unknown) => said.push(text) };

  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock, seed: 1 });
  const client = etcd.connect(); // an EtcdApi, like connectEtcd's

  const { id } = await client.leaseGrant(3, { timeoutMs: 1_000 });
  etcd.store.put("/msdha/db/a", "ready", { lease: id });

  client.onAnswer = ({ call }) => (call === "range" ? "lost" : 20);
  const reading = client.range({ key: "/msdha/db/a" }, { timeoutMs: 1_000 });
  reading.catch((error) => console.log(error.message)); // no answer within 1000 ms
  await clock.advance(1_000);

  await clock.advance(2_600); // a lease goes up to 0.6 s late
  console.log(etcd.store.get("/msdha/db/a")); // undefined

  expect(said).toEqual(["no answer within 1000 ms", undefined]);
});
