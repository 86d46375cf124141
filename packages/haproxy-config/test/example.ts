import { createRuntimeApi, createSwitcher, maxConnectionsFor, renderConfig } from "@msdha/haproxy-config";

export const config: string = renderConfig({
  port: 5432,
  socketPath: "/run/msdha/haproxy.sock",
  parkMs: 40_000, // a new connection waits so long for a master
  maxConnections: maxConnectionsFor(20_000),
});
// Write it to a file and start `haproxy -db -f FILE`; then:
const api = createRuntimeApi("/run/msdha/haproxy.sock");
await using switcher = createSwitcher(api, { drainMs: 120, onTrouble: console.error });
switcher.route({ kind: "serve", owner: "term-1", address: "10.0.0.2", port: 5432 });
switcher.route({ kind: "drain", owner: "term-1" }); // it stops: its sessions go on, new connections wait
switcher.route({ kind: "serve", owner: "term-2", address: "10.0.0.3", port: 5432 });
