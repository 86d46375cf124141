import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Child, readPrefixBy, startChild, tempDir, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { expect, test } from "vitest";
import { openGroup } from "../support/group.ts";
import { makeNamespaces } from "../support/namespaces.ts";
import { frontendCommand } from "../support/paths.ts";

const EXAMPLE = fileURLToPath(new URL("../../../examples/systemd/keepalived.conf", import.meta.url));
/** As the example has them. */
const [FIRST, SECOND, SHARED] = ["10.0.0.1", "10.0.0.2", "10.0.0.100"] as const;
const MIDDLE = "10.0.0.254";
const PORT = 5432;

/** The example for the second host, changed as its first lines say. */
function forSecond(text: string): string {
  return text
    .replace("state MASTER", "state BACKUP")
    .replace("priority 110", "priority 100")
    .replace(`unicast_src_ip ${FIRST}`, `unicast_src_ip ${SECOND}`)
    .replace(`        ${FIRST}\n`, "")
    .replace(`        ${SECOND}\n`, `        ${FIRST}\n`);
}

test.skipIf(process.getuid?.() !== 0)(
  "keepalived moves an address away from a frontend that is gone, and leaves it while there is no master",
  async () => {
    await using folder = tempDir();
    await using machines = await makeNamespaces(MIDDLE);
    const run = (within: readonly string[], ...command: readonly string[]) => {
      const [file = "", ...args] = [...within, ...command];
      return execa(file, args, { reject: false, timeout: 40_000 });
    };
    const start = (name: string, within: readonly string[], command: readonly string[], env = {}): Child => {
      const [file = "", ...args] = [...within, ...command];
      const logFile = join(folder.path, `${name}.log`);
      return startChild(file, args, { logFile, env: { PATH: process.env["PATH"], ...env } });
    };

    const endpoint = `http://${MIDDLE}:2379`;
    const data = join(folder.path, "etcd");
    const urls = [`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`];
    await using etcd = start("etcd", machines.middle, ["etcd", `--data-dir=${data}`, ...urls]);
    const etcdctl = async (...args: string[]): Promise<string> => {
      const { stdout, stderr, exitCode } = await run(
        machines.middle,
        ...["env", "ETCDCTL_API=3", "etcdctl", `--endpoints=${endpoint}`, ...args],
      );
      if (exitCode !== 0) throw new Error(stderr);
      return stdout;
    };
    const read = (prefix: string) => readPrefixBy(etcdctl, prefix);
    await waitFor(() => read("x"), { what: "etcd", timeoutMs: 30_000 });
    expect(etcd.running).toBe(true);

    await using group = openGroup({ endpoint, read }, {});
    const listen = { address: MIDDLE, port: PORT };
    const node = group.start("one", { listen, within: machines.middle });
    await group.masterAmong([node]);

    const hosts = await Promise.all(
      [FIRST, SECOND].map(async (address, index) => {
        const within = await machines.add(`host${index}`, address);
        const text = readFileSync(EXAMPLE, "utf8");
        const config = join(folder.path, `keepalived-${index}.conf`);
        writeFileSync(config, index === 0 ? text : forSecond(text));
        const startFrontend = (): Child =>
          start(`frontend-${index}`, within, [frontendCommand], {
            ETCDCTL_ENDPOINTS: endpoint,
            MSDHA_GROUP: group.name,
            MSDHA_PORT: String(PORT),
            MSDHA_STATUS_PORT: "8080",
            MSDHA_TTL: "3",
            MSDHA_RUN_DIR: join(folder.path, `run-${index}`),
          });
        const pids = ["pid", "vrrp_pid", "checkers_pid"].map(
          (kind) => `--${kind}=${join(folder.path, `${kind}-${index}`)}`,
        );
        const options = ["--dont-fork", "--log-console", `--use-file=${config}`, ...pids];
        return {
          frontend: startFrontend(),
          startFrontend,
          keepalived: start(`keepalived-${index}`, within, ["keepalived", ...options]),
          hasAddress: async () => (await run(within, "ip", "-brief", "addr")).stdout.includes(`${SHARED}/`),
        };
      }),
    );
    await using _all = {
      async [Symbol.asyncDispose]() {
        // keepalived has children of its own, which it ends itself.
        for (const { keepalived, frontend } of hosts)
          await Promise.all([keepalived.kill("SIGTERM"), frontend.kill("SIGTERM")]);
      },
    };
    const [first, second] = hosts as [(typeof hosts)[0], (typeof hosts)[0]];
    const ask = async (): Promise<string> => {
      const read = `exec 3<>/dev/tcp/${SHARED}/${PORT} && head -1 <&3`;
      return (await run(machines.middle, "timeout", "30", "bash", "-c", read)).stdout.trim();
    };
    const answered = () =>
      waitFor(async () => (await ask()) === "one", { what: "an answer", timeoutMs: 40_000 });
    const at = (host: typeof first) =>
      waitFor(async () => await host.hasAddress(), { what: "the address", timeoutMs: 40_000 });

    await at(first);
    await answered();
    expect(await second.hasAddress()).toBe(false);

    // Without a master the address stays, and a client waits where it is.
    await node.child.kill();
    await waitFor(async () => (await group.master()) === undefined, { what: "no master", timeoutMs: 40_000 });
    await waitFor(() => first.frontend.log().includes("there is no master"), {
      what: "the frontend to see it",
    });
    const waiting = ask();
    // Longer than keepalived takes to move it.
    await setTimeout(5_000);
    expect([await first.hasAddress(), await second.hasAddress()]).toEqual([true, false]);
    const again = group.start("one", { listen, within: machines.middle });
    await group.masterAmong([again]);
    expect(await waiting).toBe("one");

    await first.frontend.kill();
    await at(second);
    await answered();

    const restarted = first.startFrontend();
    await using _restarted = { [Symbol.asyncDispose]: () => restarted.kill("SIGTERM") };
    await at(first);
    await answered();
  },
);
