import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Container } from "./support/container.ts";
import { buildTeller, TELLER, TELLER_PORT } from "./support/examples.ts";
import { type ContainerGroup, startGroup } from "./support/group.ts";
import { imageSize } from "./support/images.ts";
import { askName } from "./support/knocker.ts";

const LOCKED_DOWN = {
  ReadonlyRootfs: true,
  CapDrop: ["ALL"],
  SecurityOpt: ["no-new-privileges"],
  Tmpfs: { "/run": "" },
};
/** What engines older than 20.10 do: a port below 1024 is root's. */
const LOW_PORTS_ARE_ROOTS = { Sysctls: { "net.ipv4.ip_unprivileged_port_start": "1024" } };

let group: ContainerGroup;
let low: ContainerGroup;

beforeAll(async () => {
  await buildTeller();
  group = await startGroup({ ttlSeconds: 1 });
  low = await startGroup({ ttlSeconds: 1, group: "low-port", beside: group });
  const backends = [
    await group.backend("db1", { image: TELLER }),
    await low.backend("web1", { image: TELLER, env: { TELLER_PORT: "80" } }),
  ] as const;
  await Promise.all([group.masterAmong([backends[0]]), low.masterAmong([backends[1]])]);
});
afterAll(async () => {
  await low?.[Symbol.asyncDispose]();
  await group?.[Symbol.asyncDispose]();
});

async function answerOf(frontend: Container, port: number): Promise<string> {
  return await waitFor(async () => askName(await frontend.address(), port), {
    what: "an answer",
    timeoutMs: 30_000,
  });
}

test("runs as nobody in particular, on a read-only file system, without capabilities", async () => {
  const frontend = await group.frontend("locked", TELLER_PORT, { host: LOCKED_DOWN });
  expect(await answerOf(frontend, TELLER_PORT)).toBe("db1");
  expect((await frontend.exec(["id", "-u"])).output.trim()).toBe("10001");
  await frontend.stop();
  expect(await frontend.exited()).toBe(0);
});

test("listens on a port below 1024 without being root where the engine allows it", async () => {
  const frontend = await low.frontend("low", 80, { host: LOCKED_DOWN });
  expect(await answerOf(frontend, 80)).toBe("web1");
});

test("needs to be root for a port below 1024 where the engine does not allow it, and says so", async () => {
  const refused = await low.frontend("refused", 80, { host: LOW_PORTS_ARE_ROOTS });
  expect(await refused.exited()).toBe(77);
  expect(await refused.log()).toMatch(/can.t listen on .*:80/);
  const root = await low.frontend("root", 80, { user: "root", host: LOW_PORTS_ARE_ROOTS });
  expect(await answerOf(root, 80)).toBe("web1");
});

test("is healthy while it takes connections, also where there is no master", async () => {
  const masterless = await startGroup({ ttlSeconds: 1, group: "masterless", beside: group });
  await using _ = masterless;
  const often = {
    Test: ["CMD", "/opt/msdha/bin/msdha-frontend", "healthcheck"],
    Interval: 5e8,
    Timeout: 5e9,
    Retries: 2,
  };
  const frontend = await masterless.frontend("waiting", TELLER_PORT, { healthCheck: often });
  await waitFor(async () => (await frontend.health()) === "healthy", { what: "health", timeoutMs: 30_000 });
});

test("ends, HAProxy with it, when it is killed inside of its container", async () => {
  const frontend = await group.frontend("killed", TELLER_PORT);
  expect(await answerOf(frontend, TELLER_PORT)).toBe("db1");
  await frontend.exec(["sh", "-c", "kill -KILL $(cut -d' ' -f1 /proc/1/task/1/children)"]);
  expect(await frontend.exited()).toBe(137);
});

test("works under --init", async () => {
  const frontend = await group.frontend("init", TELLER_PORT, { host: { Init: true } });
  expect(await answerOf(frontend, TELLER_PORT)).toBe("db1");
  await frontend.stop();
  expect(await frontend.exited()).toBe(0);
});

test("is no larger than 200 MB, and the backend no more than 120 MB above its base", async () => {
  const [frontend, backend, base] = (await Promise.all(
    ["msdha-frontend", "msdha-backend", "debian:bookworm-slim"].map(imageSize),
  )) as [number, number, number];
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  process.stdout.write(
    `msdha-frontend: ${mb(frontend)}; msdha-backend: ${mb(backend - base)} above its base\n`,
  );
  expect(frontend).toBeLessThan(200e6);
  expect(backend - base).toBeLessThan(120e6);
});

test("the programs of both images run on a host that has no Node, from one folder", async () => {
  await using host = tempDir();
  for (const image of ["msdha-backend", "msdha-frontend"]) {
    const copy = `docker run --rm --entrypoint tar ${image} -C / -c opt/msdha | tar -C ${host.path} -x`;
    await execa("bash", ["-euo", "pipefail", "-c", copy]);
  }
  for (const program of ["msdha", "msdha-backend", "msdha-frontend"]) {
    const file = join(host.path, "opt/msdha/bin", program);
    const { stdout } = await execa(file, ["--help"], { env: { PATH: "/usr/bin:/bin" }, extendEnv: false });
    expect(stdout).toMatch(new RegExp(`^Usage: ${program} `));
  }
});
