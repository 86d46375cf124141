import type { EtcdMember } from "@msdha/testkit";

/** A group that is nothing but its keys: its nodes do only what a test writes for them. */
export interface WrittenGroup {
  readonly name: string;
  /** A node that is ready, and answers no request. */
  writeNode(name: string, state?: string): Promise<void>;
  /** Makes a node the master, in place of the one that there is. */
  writeMaster(name: string): Promise<void>;
  keys(): Promise<readonly string[]>;
}

const LEASE_SECONDS = 600;

/** Returns a group without programs, in etcd. */
export function writeGroup({ etcdctl }: EtcdMember, name = "db"): WrittenGroup {
  const prefix = `/msdha/${name}/`;
  const details = (node: string): string =>
    JSON.stringify({ runId: `run of ${node}`, address: node, ttlSeconds: 3, asks: 2 });
  const put = (key: string, value: string, lease: string): Promise<string> =>
    etcdctl("put", `--lease=${lease}`, prefix + key, value);
  const grant = async (): Promise<string> => {
    const [, lease = ""] =
      /lease (\w+) granted/.exec(await etcdctl("lease", "grant", `${LEASE_SECONDS}`)) ?? [];
    return lease;
  };
  let former: string | undefined;
  async function writeNode(node: string, state = "ready"): Promise<void> {
    const lease = await grant();
    await put(`_node/${node}`, details(node), lease);
    await put(node, state, lease);
  }
  return {
    name,
    writeNode,
    async writeMaster(node) {
      if (former !== undefined) await etcdctl("lease", "revoke", former);
      const lease = await grant();
      former = lease;
      await put("_lock", JSON.stringify({ node, takenAfter: "wait" }), lease);
      await put(`_node/${node}`, details(node), lease);
      await put(node, "master", lease);
    },
    async keys() {
      const text = await etcdctl("get", "--prefix", prefix, "--keys-only");
      return text.split("\n").flatMap((key) => (key === "" ? [] : [key.slice(prefix.length)]));
    },
  };
}
