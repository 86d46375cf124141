import { createManualClock } from "@msdha/clock";
import type { EtcdApi, LeaseId, Transaction } from "@msdha/etcd-client";
import { LockLostError } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { getValue, putValue } from "./hook-values.ts";
import { groupKeys } from "./keys.ts";

const keys = groupKeys("db");
const call = { timeoutMs: 1_000 };

/** A holder of the lock, whose client remembers its transactions. */
async function setUp() {
  const etcd = createSimulatedEtcd({ clock: createManualClock() });
  const client = etcd.connect();
  const { id: lease } = await client.leaseGrant(60, call);
  const { revision: token } = await put(client, keys.lock, "{}", lease);
  const sent: Transaction[] = [];
  const remembering: EtcdApi = {
    ...client,
    txn(transaction, options) {
      sent.push(transaction);
      return client.txn(transaction, options);
    },
  };
  const lock = { token, lease };
  return { etcd, client, remembering, sent, lock, options: { ...call, lock } };
}

function put(client: EtcdApi, key: string, value: string, lease?: LeaseId) {
  const operation = { type: "put", key, value, ...(lease === undefined ? {} : { lease }) } as const;
  return client.txn({ compare: [], success: [operation], failure: [] }, call);
}

test("a put that is carried out again later does not undo a newer one, also where their values repeat", async () => {
  const { client, remembering, sent, options } = await setUp();
  for (const value of ["a b c", "a b", "a b c"]) await putValue(remembering, keys, "x", value, options);
  for (const late of sent) await client.txn(late, call);
  expect(await getValue(client, keys, "x", call)).toBe("a b c");
});

test("a put that failed can't be carried out once another one of the same value has resolved", async () => {
  const { client, remembering, sent, options } = await setUp();
  await putValue(remembering, keys, "x", "1", options);
  const lost: EtcdApi = {
    ...remembering,
    txn(transaction) {
      sent.push(transaction);
      return Promise.reject(new Error("no answer"));
    },
  };
  await expect(putValue(lost, keys, "x", "2", options)).rejects.toThrow("no answer");
  await putValue(remembering, keys, "x", "1", options);
  for (const late of sent) await client.txn(late, call);
  expect(await getValue(client, keys, "x", call)).toBe("1");
});

test("a put whose first try went through is not done again", async () => {
  const { etcd, client, options } = await setUp();
  const twice: EtcdApi = {
    ...client,
    async txn(transaction, how) {
      await client.txn(transaction, how);
      return await client.txn(transaction, how);
    },
  };
  await putValue(twice, keys, "x", "1", options);
  expect(etcd.store.get(keys.value("x"))).toMatchObject({ value: "1", createRevision: etcd.store.revision });
});

test("a put goes on when somebody put another value in between", async () => {
  const { client, options } = await setUp();
  let others = 2;
  const disturbed: EtcdApi = {
    ...client,
    async txn(transaction, how) {
      if (others-- > 0) await put(client, keys.value("x"), `other ${others}`);
      return await client.txn(transaction, how);
    },
  };
  await putValue(disturbed, keys, "x", "1", options);
  expect(await getValue(client, keys, "x", call)).toBe("1");
});

test.each([
  ["the token", { token: 1 }],
  ["the lease", { lease: "7" }],
])("a put is refused when it is not %s that holds the lock", async (_what, other) => {
  const { client, lock } = await setUp();
  const refused = putValue(client, keys, "x", "1", { ...call, lock: { ...lock, ...other } });
  await expect(refused).rejects.toBeInstanceOf(LockLostError);
  expect(await getValue(client, keys, "x", call)).toBeUndefined();
});
