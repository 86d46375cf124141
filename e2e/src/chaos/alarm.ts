import { Etcd3 } from "etcd3";
import type { Etcd } from "./etcd.ts";

/** Raises the alarm that etcd raises when its database is full. `etcdctl alarm disarm` ends it. */
export async function armAlarm(etcd: Etcd): Promise<void> {
  const leader = await etcd.leader();
  const client = new Etcd3({ hosts: leader.endpoint, ...etcd.access.clientOptions() });
  try {
    const { header } = await client.maintenance.status();
    await client.maintenance.alarm({ action: "Activate", memberID: header.member_id, alarm: "Nospace" });
  } finally {
    client.close();
  }
}
