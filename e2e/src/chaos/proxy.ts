import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Host } from "./network.ts";
import type { Slowness } from "./slow-proxy.ts";

/** A host through which a node reaches etcd, as slowly as it is told. */
export interface SlowProxy {
  readonly host: Host;
  /** Takes the place of the targets. */
  readonly endpoints: string;
  set(slowness: Slowness): void;
}

export const QUICK: Slowness = { delayMs: 0, jitterMs: 0, bytesPerSecond: 0 };

const program = fileURLToPath(new URL("slow-proxy.ts", import.meta.url));
const FIRST_PORT = 2401;

/** Starts one on a host of its own. It ends with this process. */
export function startProxy(host: Host, targets: readonly string[]): SlowProxy {
  const ports = targets.map((_, index) => FIRST_PORT + index);
  const places = targets.flatMap((target, index) => [String(ports[index]), new URL(target).host]);
  const child = spawn("ip", ["netns", "exec", host.name, process.execPath, program, ...places], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { PATH: process.env["PATH"] },
  });
  child.unref();
  child.channel?.unref();
  return {
    host,
    endpoints: ports
      .map((port, index) => `${new URL(targets[index] ?? "").protocol}//${host.address}:${port}`)
      .join(","),
    set: (slowness) => child.send(slowness),
  };
}
