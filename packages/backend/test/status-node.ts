import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, type EtcdMember, getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A node that runs, and its status port. */
export interface StatusNode extends AsyncDisposable {
  readonly child: Child;
  readonly port: number;
  ask(path: string, method?: string): Promise<{ readonly code: number; readonly text: string }>;
  /** Resolves when a path is answered with this code. */
  answers(path: string, code: number): Promise<void>;
  metric(name: string, label?: string): Promise<number>;
}

interface NodeOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly hooks?: Readonly<Record<string, string>>;
}

/** Starts a node of a group, with a status port. Disposing kills it. */
export async function startStatusNode(
  etcd: EtcdMember,
  group: string,
  options: NodeOptions = {},
): Promise<StatusNode> {
  const { name = "one", env = {}, hooks = {} } = options;
  const folder = tempDir();
  const port = await getFreePort();
  const dir = join(folder.path, "hooks");
  mkdirSync(dir);
  for (const [hook, body] of Object.entries({ start: "exec sleep infinity", ...hooks })) {
    writeFileSync(join(dir, hook), `#!/bin/sh\n${body}\n`);
    chmodSync(join(dir, hook), 0o755);
  }
  const child = startChild(process.execPath, ["--conditions=@msdha/source", main], {
    logFile: join(folder.path, "log"),
    env: {
      PATH: process.env["PATH"],
      ETCDCTL_ENDPOINTS: etcd.endpoint,
      MSDHA_GROUP: group,
      MSDHA_NAME: name,
      MSDHA_TTL: "3",
      MSDHA_HOOKS_DIR: dir,
      MSDHA_RUN_DIR: join(folder.path, "run"),
      MSDHA_STATUS_PORT: String(port),
      MSDHA_STATUS_BIND: "127.0.0.1",
      ...env,
    },
  });
  const ask: StatusNode["ask"] = async (path, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { code: response.status, text: await response.text() };
  };
  return {
    child,
    port,
    ask,
    answers: async (path, code) => {
      await waitFor(async () => (await ask(path).catch(() => undefined))?.code === code, {
        what: `${path} to be ${code} at ${name}`,
        timeoutMs: 30_000,
        intervalMs: 5,
      }).catch((error: Error) => {
        throw new Error(`${error.message}\n${child.log()}`, { cause: error });
      });
    },
    metric: async (metric, label = "") => {
      const lines = (await ask("/metrics")).text.split("\n");
      const line = lines.find((one) => one.startsWith(`msdha_backend_${metric}`) && one.includes(label));
      return Number(line?.split(" ").at(-1));
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}
