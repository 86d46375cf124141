import { join } from "node:path";
import { getFreePort } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { composeProjectOf } from "./support/compose.ts";
import { root } from "./support/images.ts";
import { readBlocks, startShell } from "./support/page-commands.ts";

/** From the first command until a client's first write, when the images are there already. */
const FIRST_WRITE_MS = 15_000;
/** Three TTLs of 3 s, and what a program needs to be promoted. */
const FAILOVER_MS = 20_000;

const pages = [
  {
    page: "examples/postgresql/README.md",
    file: "examples/postgresql/compose.yaml",
    ports: ["DB_PORT", "STATUS_PORT"],
    last: "2",
  },
  {
    page: "examples/redis/README.md",
    file: "examples/redis/compose.yaml",
    ports: ["REDIS_PORT"],
    last: "world",
  },
  {
    page: "examples/mariadb/README.md",
    file: "examples/mariadb/compose.yaml",
    ports: ["DB_PORT"],
    last: "2",
  },
  {
    page: "examples/openldap/README.md",
    file: "examples/openldap/compose.yaml",
    ports: ["LDAP_PORT"],
    last: "dn: ou=people,dc=example,dc=org",
  },
  {
    page: "examples/any/README.md",
    file: "examples/any/compose.yaml",
    ports: ["ANY_PORT"],
    last: "world",
  },
];

describe.each(pages)("the commands of $page", ({ page, file, ports, last }) => {
  test("make a group, break it, and are answered by the next master", async () => {
    const variables = await Promise.all(ports.map(async (name) => [name, String(await getFreePort())]));
    await using project = await composeProjectOf(file, Object.fromEntries(variables));
    const [commands = []] = await readBlocks(join(root, page));
    const up = commands.findIndex((command) => command.includes(" up "));
    const write = commands.findIndex((command, index) => index > up && command.includes(" run "));
    const kill = commands.findIndex((command) => / kill /.test(command));
    expect([up, write, kill].every((index) => index >= 0)).toBe(true);

    const shell = startShell(project.env);
    for (const command of commands.slice(0, up)) await shell(command);
    // What is built is built before, so that the time is that of the group alone.
    await project.run("build", "--quiet");
    const began = performance.now();
    for (const command of commands.slice(up, write + 1)) await shell(command);
    const firstWriteMs = performance.now() - began;
    for (const command of commands.slice(write + 1, kill)) await shell(command);

    const killed = performance.now();
    await shell(commands[kill] ?? "");
    const outputs: string[] = [];
    for (const command of commands.slice(kill + 1)) outputs.push(await shell(command));
    const failoverMs = performance.now() - killed;
    process.stdout.write(
      `${page}: first write after ${Math.round(firstWriteMs)} ms, answer after the kill within ${Math.round(failoverMs)} ms\n`,
    );
    expect(outputs.map((output) => output.trim())).toContain(last);
    expect(failoverMs).toBeLessThan(FAILOVER_MS);
    if (firstWriteMs > FIRST_WRITE_MS)
      process.stdout.write(`slower than ${FIRST_WRITE_MS} ms: is the machine busy?\n`);
  }, 600_000);
});
