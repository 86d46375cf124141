import { QUICK } from "../proxy.ts";
import type { Fault } from "./fault.ts";

/** What happens to certificates and users, where etcd asks for them. */
export const accessFaults: readonly Fault[] = [
  {
    name: "replace the certificates",
    weight: 2,
    async begin({ world }) {
      if (world.etcd.access.scheme === "http") return undefined;
      await world.etcd.access.renew();
      for (const proxy of world.proxies.values()) proxy.set({ ...QUICK, reset: true });
      return { target: "etcd", lastsMs: 0 };
    },
  },
  {
    name: "change etcd's users",
    weight: 2,
    async begin({ world, random }) {
      if (world.etcd.access.scheme === "http") return undefined;
      const user = `guest${random.whole(0, 1e9)}`;
      await world.etcd.ask("user", "add", `${user}:x`);
      return {
        target: user,
        lastsMs: random.between(0, 2_000),
        async end() {
          await world.etcd.ask("user", "delete", user);
        },
      };
    },
  },
];
