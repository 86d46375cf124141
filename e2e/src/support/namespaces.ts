import { execa } from "execa";

/** Machines as far as the network goes: namespaces on one bridge, which is in a namespace too. Gone on dispose. */
export interface Namespaces extends AsyncDisposable {
  /** What runs a command on the machine in the middle, to which the bridge belongs. */
  readonly middle: readonly string[];
  /** Adds a machine whose interface `eth0` has this address, and returns what runs a command there. */
  add(name: string, address: string): Promise<readonly string[]>;
}

/** Makes the machine in the middle, with this address of a /24. Takes root. */
export async function makeNamespaces(address: string): Promise<Namespaces> {
  const prefix = `msdha-${process.pid}`;
  const made: string[] = [];
  const within = (name: string): readonly string[] => ["ip", "netns", "exec", name];
  const ip = (...args: readonly string[]) => execa("ip", args);

  async function make(name: string): Promise<string> {
    const namespace = `${prefix}-${name}`;
    await ip("netns", "add", namespace);
    made.push(namespace);
    await ip("-n", namespace, "link", "set", "lo", "up");
    return namespace;
  }

  const middle = await make("middle");
  await ip("-n", middle, "link", "add", "hub", "type", "bridge");
  await ip("-n", middle, "addr", "add", `${address}/24`, "dev", "hub");
  await ip("-n", middle, "link", "set", "hub", "up");
  return {
    middle: within(middle),
    async add(name, own) {
      const namespace = await make(name);
      const peer = ["netns", namespace];
      await ip("-n", middle, "link", "add", name, "type", "veth", "peer", "name", "eth0", ...peer);
      await ip("-n", middle, "link", "set", name, "master", "hub", "up");
      await ip("-n", namespace, "addr", "add", `${own}/24`, "dev", "eth0");
      await ip("-n", namespace, "link", "set", "eth0", "up");
      return within(namespace);
    },
    async [Symbol.asyncDispose]() {
      for (const namespace of made.reverse()) await ip("netns", "delete", namespace);
    },
  };
}
