import { join } from "node:path";
import { getFreePort, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { composeProjectOf } from "./support/compose.ts";
import { root } from "./support/images.ts";
import { readBlocks, startShell } from "./support/page-commands.ts";

/** Three TTLs of 3 s, and what PostgreSQL and its clients need. */
const FAILOVER_MS = 20_000;

test("the first commands of README.md start a group, move its master and break it; clients go on", async () => {
  const [dbPort, statusPort] = [await getFreePort(), await getFreePort()].map(String);
  await using project = await composeProjectOf("examples/postgresql/compose.yaml", {
    DB_PORT: dbPort ?? "",
    STATUS_PORT: statusPort ?? "",
  });
  const [lines = []] = await readBlocks(join(root, "README.md"));
  const commands = lines.map((line) => line.replace(/ +# .*/, "")).flatMap((line) => line.split(" && "));
  const take = (what: RegExp): string => {
    const found = commands.find((command) => what.test(command));
    if (found === undefined) throw new Error(`README.md: expected a command like ${what} in its first block`);
    return found;
  };
  await project.run("build", "--quiet");
  const shell = startShell(project.env);
  await shell(take(/^cd /));
  await shell(take(/ up /));

  const over = new AbortController();
  const written: string[] = [];
  const takenBy = (line: string): string | undefined => /taken by (db\d)/.exec(line)?.[1];
  const writes = shell(take(/ run --rm client$/), {
    signal: over.signal,
    onLine: (line) => void written.push(line),
  }).catch(() => {});
  try {
    await waitFor(() => takenBy(written.at(-1) ?? ""), { what: "a client's first row", timeoutMs: 30_000 });
    const [, first = "?"] = /● (db\d) +master/.exec(await shell(take(/exec front msdha$/))) ?? [];
    expect(takenBy(written.at(-1) ?? "")).toBe(first);
    // A reader answers its question.
    const moved = await shell(`${take(/msdha switchover$/)} --yes`);
    const [, second = "?"] = /^(db\d) is the master \(token \d+\)/m.exec(moved) ?? [];
    expect(second).not.toBe(first);

    const killed = performance.now();
    await shell(take(/ kill /));
    const before = written.length;
    const takers = (): readonly (string | undefined)[] => written.slice(before).map(takenBy);
    const third = await waitFor(() => takers().find((node) => node !== undefined && node !== second), {
      what: `a row that another node than ${second} took`,
      timeoutMs: 60_000,
    });
    const tookMs = Math.round(performance.now() - killed);
    process.stdout.write(`README.md: ${second} was killed, ${third} takes rows ${tookMs} ms later\n`);
    expect(tookMs).toBeLessThan(FAILOVER_MS);
  } finally {
    over.abort();
    await writes;
  }
  await shell(take(/ down --volumes$/));
  // The client was killed here, where a reader's Ctrl-C also removes its container.
  const left = (await project.run("ps", "--all", "--services")).split("\n");
  expect(left.filter((service) => !["", "client"].includes(service))).toEqual([]);
}, 600_000);
