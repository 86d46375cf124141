import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tempDir, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Container, runContainer } from "./support/container.ts";
import { buildTeller, TELLER, TELLER_PORT } from "./support/examples.ts";
import { type ContainerGroup, startGroup } from "./support/group.ts";
import { buildImage } from "./support/images.ts";
import { askName } from "./support/knocker.ts";

const MASTER_OF_ONE = { ttlSeconds: 1 };

let shared: ContainerGroup;

beforeAll(async () => {
  await buildTeller();
  shared = await startGroup(MASTER_OF_ONE);
});
afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

/** A group of its own on the shared etcd. */
function groupOf(name: string): Promise<ContainerGroup> {
  return startGroup({ ...MASTER_OF_ONE, group: name, beside: shared });
}

test("says that its start hook must be replaced, and ends", async () => {
  await using group = await groupOf("unreplaced");
  const backend = await group.backend("db", { image: "msdha-backend" });
  expect(await backend.exited()).toBe(1);
  expect(await backend.log()).toContain("/etc/msdha/hooks/start must be replaced");
});

describe.each([
  ["without --init", { Init: false }],
  ["with --init", { Init: true }],
])("a container %s", (_, host) => {
  test("reaps what a docker exec leaves behind, and what loses its parent under the program", async () => {
    await using group = await groupOf(`zombies-${host.Init}`);
    const backend = await group.backend("db", {
      image: TELLER,
      host,
      entrypoint: ["sh", "-c", START_WITH_ORPHANS],
    });
    await group.masterAmong([backend]);
    await backend.exec(["sh", "-c", "sleep 0.05 & sleep 0.1 & exit 0"]);
    await waitFor(async () => !(await processes(backend)).includes("sleep"), {
      what: "no orphan, no zombie",
    });
  });

  test("passes SIGHUP on to the program, and stops in peace on SIGTERM", async () => {
    await using group = await groupOf(`signals-${host.Init}`);
    const backend = await group.backend("db", {
      image: TELLER,
      host,
      entrypoint: ["sh", "-c", START_TRAPPING],
    });
    await group.masterAmong([backend]);
    await backend.kill("SIGHUP");
    await backend.logged(/the program got SIGHUP/);
    await backend.stop();
    expect(await backend.exited()).toBe(0);
    expect(await backend.log()).toContain("the program got SIGTERM");
    expect(await group.state("db")).toBeUndefined();
  });

  test("ends with the program's exit code", async () => {
    await using group = await groupOf(`exit-${host.Init}`);
    const backend = await group.backend("db", { image: TELLER, host });
    await group.masterAmong([backend]);
    await backend.exec([
      "sh",
      "-c",
      "kill -KILL $(grep -l '^Name:.teller' /proc/[0-9]*/status | cut -d/ -f3)",
    ]);
    expect(await backend.exited()).toBe(137);
  });
});

test("ends, with all that it started, when the supervisor is killed inside of it", async () => {
  await using group = await groupOf("killed-inside");
  const backend = await group.backend("db", { image: TELLER });
  await group.masterAmong([backend]);
  await backend.exec(["sh", "-c", "kill -KILL $(cat /proc/1/task/1/children | cut -d' ' -f1)"]);
  expect(await backend.exited()).toBe(137);
});

test("runs as any user, on a read-only file system, without capabilities", async () => {
  await using group = await groupOf("locked-down");
  const backend = await group.backend("db", {
    image: TELLER,
    user: "12345:12345",
    host: {
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Tmpfs: { "/run/msdha": "" },
    },
  });
  await group.masterAmong([backend]);
  expect(await askName(await backend.address(), TELLER_PORT)).toBe("db");
  await backend.stop();
  expect(await backend.exited()).toBe(0);
});

test("refuses to run as root without CAP_KILL", async () => {
  await using group = await groupOf("root-without-kill");
  const backend = await group.backend("db", { image: TELLER, user: "root", host: { CapDrop: ["ALL"] } });
  expect(await backend.exited()).toBe(78);
  expect((await backend.log()).trim()).toMatch(/^msdha-backend: capabilities: expected CAP_KILL .*$/);
});

test("runs as root with CAP_KILL, CAP_SETUID and CAP_SETGID alone, its program as another user", async () => {
  await using group = await groupOf("root-with-three");
  const backend = await group.backend("db", {
    image: TELLER,
    user: "root",
    host: { CapDrop: ["ALL"], CapAdd: ["KILL", "SETUID", "SETGID"], Tmpfs: { "/run/msdha": "" } },
    entrypoint: ["sh", "-c", START_AS_NOBODY],
  });
  await group.masterAmong([backend]);
  const { output } = await backend.exec(["sh", "-c", "grep -l '^Uid:.65534' /proc/[0-9]*/status | wc -l"]);
  expect(Number(output)).toBeGreaterThan(0);
  await backend.stop();
  expect(await backend.exited()).toBe(0);
  expect(await backend.log()).not.toContain("may not kill");
});

test("takes the container's own name where it is told none", async () => {
  await using group = await groupOf("unnamed");
  const backend = await group.backend("db", { image: TELLER, env: { MSDHA_NAME: "" } });
  const { output } = await backend.exec(["cat", "/etc/hostname"]);
  await waitFor(async () => (await group.state(output.trim())) === "master", {
    what: "a master",
    timeoutMs: 30_000,
  });
});

test("is healthy while it runs, and unhealthy when nothing answers in it", async () => {
  await using group = await groupOf("health");
  const often = {
    Test: ["CMD", "/opt/msdha/bin/msdha-backend", "healthcheck"],
    Interval: 5e8,
    Timeout: 5e9,
    Retries: 2,
  };
  const backend = await group.backend("db", { image: TELLER, healthCheck: often });
  await waitFor(async () => (await backend.health()) === "healthy", { what: "health", timeoutMs: 30_000 });
  await backend.exec(["rm", "/run/msdha/control.sock"]);
  await waitFor(async () => (await backend.health()) === "unhealthy", {
    what: "ill health",
    timeoutMs: 30_000,
  });
});

test("leaves the hooks the programs of the image, also a Node of its own", async () => {
  await using group = await groupOf("path");
  const backend = await group.backend("db", {
    image: TELLER,
    env: {},
    entrypoint: ["sh", "-c", START_TELLING_PATH],
  });
  await backend.logged(/node: none/);
  await backend.logged(/msdha-backend: \/.*\/msdha-backend/);
});

test("brings etcdctl when it is built with ETCD_RELEASE, for this architecture", async () => {
  await using folder = tempDir();
  await using releases = await serveRelease(folder.path);
  await buildImage("msdha-test-etcdctl", ".", {
    target: "backend",
    args: { ETCD_RELEASE: "3.4.23", ETCD_DOWNLOAD: releases.url },
    network: "host",
  });
  await using backend = await runContainer({
    image: "msdha-test-etcdctl",
    network: shared.network,
    alias: "etcdctl",
    entrypoint: ["/opt/msdha/bin/etcdctl", "version"],
  });
  expect(await backend.exited()).toBe(0);
  expect(await backend.log()).toContain("etcdctl version");
});

const hook = (body: string): string =>
  `mkdir -p /tmp/hooks && printf '%s\\n' '#!/bin/sh' ${JSON.stringify(body)} >/tmp/hooks/start && chmod +x /tmp/hooks/start; export MSDHA_HOOKS_DIR=/tmp/hooks; exec /opt/msdha/bin/msdha-backend`;
const START_WITH_ORPHANS = hook("sh -c 'sh -c \\\"sleep 0.05\\\" & sleep 0.1 &'; exec teller");
const START_TRAPPING = hook(
  "trap 'echo the program got SIGHUP' HUP; trap 'echo the program got SIGTERM; exit 0' TERM; while :; do sleep 0.1; done",
);
const START_AS_NOBODY = hook("exec setpriv --reuid=65534 --regid=65534 --clear-groups teller");
const START_TELLING_PATH = hook(
  "echo node: $(command -v node || echo none); echo msdha-backend: $(command -v msdha-backend); exec teller",
);

/** The names of the processes in a container, zombies included, less those that look for them. */
async function processes(container: Container): Promise<readonly string[]> {
  const { output } = await container.exec(["sh", "-c", "sed -n 's/^Name:\\t//p' /proc/[0-9]*/status"]);
  return output.split("\n").filter((name) => !["", "sh", "sed"].includes(name));
}

async function serveRelease(folder: string): Promise<AsyncDisposable & { readonly url: string }> {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const name = `etcd-v3.4.23-linux-${arch}`;
  const { stdout: etcdctl } = await execa("which", ["etcdctl"]);
  await execa("sh", ["-c", `mkdir ${name} && cp ${etcdctl} ${name}/ && tar -czf release.tar.gz ${name}`], {
    cwd: folder,
  });
  const release = await readFile(`${folder}/release.tar.gz`);
  const server = createServer((request, response) => {
    const found = request.url === `/v3.4.23/${name}.tar.gz`;
    response.writeHead(found ? 200 : 404).end(found ? release : "");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
