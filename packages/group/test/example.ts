import { systemClock as clock } from "@msdha/clock";
import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { acquireLease } from "@msdha/etcd-lease";
import { settle } from "@msdha/etcd-lock";
import { campaign, followGroup, joinGroup, mastership, publishMaster } from "@msdha/group";

const { signal } = new AbortController();
await using etcd = connectEtcd(readEtcdSettings(process.env));
await using lease = await acquireLease(etcd, { ttlSeconds: 2 });
const follower = followGroup(etcd, "db", { clock, signal });
const { keys } = follower.view;
const details = { runId: crypto.randomUUID(), address: "127.0.0.1", ttlSeconds: 2 };
const membership = await joinGroup(etcd, keys, { name: "a", lease, details, clock, signal });
const lock = await campaign(etcd, follower, { membership, ttlSeconds: 2, clock, signal });
await settle(follower, lock, { clock, signal: lease.lost });
await publishMaster(etcd, keys, lock, { membership, ttlSeconds: 2, clock });
while (mastership(follower.view).kind !== "master") await follower.changed({ since: follower.view });
console.log(mastership(follower.view));
process.exit();
