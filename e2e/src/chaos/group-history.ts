/** A change of one of a group's keys, as etcd tells it. */
export interface KeyChange {
  readonly revision: number;
  readonly type: "PUT" | "DELETE";
  /** Without the group's prefix. */
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly lease: string;
}

/** A change of a node's key, as `node_state_change` is to tell it. */
export interface NodeChange {
  readonly revision: number;
  readonly action: "PUT" | "DELETE";
  readonly node: string;
  readonly state: string;
}

/** A time during which a node was the master by lock and node key. Times are those at which it was seen here. */
export interface Mastership {
  readonly node: string;
  readonly token: number;
  readonly from: number;
  readonly to: number;
}

/** What a group's keys have been from the first revision on. */
export interface GroupHistory {
  /** Takes the next change in; `at` is when it was seen. Changes of one revision belong together. */
  add(change: KeyChange, at: number): void;
  /** A master's hook is known to have begun at a time: its mastership did no later, however late it was seen here. */
  promoted(token: number, at: number): void;
  /** Whether a master's hook is known to have begun whose mastership was not seen here yet: what is seen here comes late. */
  readonly isBehind: boolean;
  /** The last revision that has been taken in. */
  readonly revision: number;
  readonly nodeChanges: readonly NodeChange[];
  readonly masterships: readonly Mastership[];
  master(): Mastership | undefined;
  /** What a node's key says, and when that was seen. */
  node(name: string): { readonly state: string; readonly lease: string; readonly seen: number } | undefined;
}

export function createGroupHistory(): GroupHistory {
  const keys = new Map<string, KeyChange & { readonly seen: number }>();
  const nodeChanges: NodeChange[] = [];
  const masterships: { node: string; token: number; from: number; to: number }[] = [];
  const hooksBegan = new Map<number, number>();
  let revision = 0;

  function lookAtMaster(at: number): void {
    const now = masterOf(keys);
    const last = masterships.at(-1);
    if (last?.to === Number.POSITIVE_INFINITY) {
      if (now && now.node === last.node && now.token === last.token) return;
      last.to = at;
    }
    if (!now) return;
    const from = Math.min(at, hooksBegan.get(now.token) ?? at);
    masterships.push({ ...now, from, to: Number.POSITIVE_INFINITY });
  }

  return {
    add(change, at) {
      revision = change.revision;
      const { type, key, value } = change;
      if (type === "PUT") keys.set(key, { ...change, seen: at });
      else keys.delete(key);
      if (!key.startsWith("_")) {
        nodeChanges.push({ revision, action: type, node: key, state: type === "PUT" ? value : "" });
      }
      lookAtMaster(at);
    },
    promoted(token, at) {
      hooksBegan.set(token, at);
      for (const mastership of masterships) {
        if (mastership.token === token) mastership.from = Math.min(mastership.from, at);
      }
    },
    get isBehind() {
      const latest = [...hooksBegan.keys()].at(-1);
      return latest !== undefined && !masterships.some(({ token }) => token === latest);
    },
    get revision() {
      return revision;
    },
    nodeChanges,
    masterships,
    master() {
      const last = masterships.at(-1);
      return last?.to === Number.POSITIVE_INFINITY ? last : undefined;
    },
    node(name) {
      const key = keys.get(name);
      return key && { state: key.value, lease: key.lease, seen: key.seen };
    },
  };
}

function masterOf(keys: ReadonlyMap<string, KeyChange>): { node: string; token: number } | undefined {
  const lock = keys.get("_lock");
  if (!lock) return undefined;
  const { node } = JSON.parse(lock.value) as { node: string };
  const key = keys.get(node);
  return key?.value === "master" && key.lease === lock.lease
    ? { node, token: lock.createRevision }
    : undefined;
}
