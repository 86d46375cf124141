import { waitFor } from "@msdha/testkit";
import type { GroupEtcd, TestGroup } from "./group.ts";
import type { NodeOptions, TestNode } from "./node.ts";

/** Nodes that are started again whenever they end, as a restart policy does it. */
export interface RestartingNodes extends Disposable {
  /** The first master, and the others. */
  readonly master: string;
  readonly others: readonly string[];
  /** The log of the node's present run. */
  log(name: string): string;
  kill(name: string): Promise<void>;
  /** From now on, this one is not started again. */
  leave(name: string): void;
}

/** Starts such nodes, and resolves when there is a master and the others are ready. */
export async function startRestarting<E extends GroupEtcd>(
  group: TestGroup<E>,
  names: readonly string[],
  options: NodeOptions & {
    readonly endpoints?: string;
    /** Where each node listens. Default: nowhere. */
    readonly listenAt?: (name: string) => NodeOptions["listen"];
  } = {},
): Promise<RestartingNodes> {
  const { listenAt, ...same } = options;
  const present = new Map<string, TestNode>();
  const left = new Set<string>();
  let over = false;
  const keep = async (name: string): Promise<void> => {
    while (!over && !left.has(name)) {
      const listen = listenAt?.(name);
      const node = group.start(name, { ...same, ...(listen && { listen }) });
      present.set(name, node);
      await node.child.exited;
    }
  };
  for (const name of names) void keep(name);
  await waitFor(async () => (await group.master()) !== undefined, { what: "a master", timeoutMs: 40_000 });
  const master = (await group.master()) ?? "";
  for (const name of names) if (name !== master) await group.state(name, "ready");
  return {
    master,
    others: names.filter((name) => name !== master),
    log: (name) => present.get(name)?.log() ?? "",
    async kill(name) {
      await present.get(name)?.child.kill();
    },
    leave: (name) => void left.add(name),
    [Symbol.dispose]() {
      over = true;
    },
  };
}
