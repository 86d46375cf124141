import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { runMsdha } from "./support/msdha.ts";

const SECRET = "plantedSecret";

test("msdha report writes one archive with all that a bug report needs, and no secret", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const one = group.start("one", {
    hooks: { ready: `msdha-backend claim hook-secret ${SECRET}-of-a-hook`, report: "echo 0 archives" },
  });
  await group.masterAmong([one]);
  const folder = join(group.dir, "report");
  mkdirSync(folder);
  const password = join(folder, "password");
  writeFileSync(password, `${SECRET}-in-a-file\n`);
  const log = join(folder, "program.log");
  writeFileSync(
    log,
    `first\nconnecting with password=${SECRET}-in-a-log\nused ${SECRET}-in-a-file\nlast line\n`,
  );
  const env = {
    MSDHA_TTL: "2",
    MSDHA_PG_PASSWORD: `${SECRET}-of-ours`,
    POSTGRES_PASSWORD_FILE: password,
  };
  const place = { endpoint: group.etcd.endpoint, group: group.name, runDir: one.runDir, env };
  const archive = join(folder, "report.tar.gz");
  const run = await runMsdha(place, "report", "--output", archive, "--log", log);
  expect(run).toMatchObject({ code: 0, err: "" });
  expect(run.out).toMatch(/settings\.txt.*list\.txt.*history\.txt.*doctor\.txt.*program\.log/);
  expect(statSync(archive).mode & 0o077).toBe(0);

  const unpacked = spawnSync("tar", ["-xzf", archive, "-C", folder], { encoding: "utf8" });
  expect(unpacked).toMatchObject({ status: 0, stderr: "" });
  const [name = ""] = readdirSync(folder).filter((entry) => entry.startsWith("msdha-report-db-"));
  const read = (file: string): string => readFileSync(join(folder, name, file), "utf8");
  expect(read("list.txt")).toMatch(/^db {3}master one/);
  expect(JSON.parse(read("list.json"))).toMatchObject({ master: "one" });
  expect(read("history.txt")).toMatch(/one/);
  expect(read("events.txt")).toMatch(/one/);
  expect(read("doctor.txt")).toMatch(/✓ master: one/);
  expect(read("settings.txt")).toMatch(/^MSDHA_PG_PASSWORD=\*\*\*$/m);
  expect(read("settings.txt")).toMatch(/^MSDHA_TTL=2$/m);
  expect(read("keys.txt")).toMatch(/^"_lock" created \d+/m);
  expect(read("keys.txt")).toMatch(/^"_claim\/hook-secret" .* \(\d+ characters\)$/m);
  expect(JSON.parse(read("local.json"))).toMatchObject({ known: { by: "node one" } });
  expect(read("logs/1-program.log.txt")).toMatch(/^first\n.*\*\*\*\n.*\*\*\*\nlast line/);
  const all = execFileSync("tar", ["-xzOf", archive], { encoding: "utf8" });
  expect(all).not.toContain(SECRET);

  const again = await runMsdha(place, "report", "--output", archive);
  expect(again).toMatchObject({ code: 1, err: expect.stringMatching(/^msdha: can't write .*EEXIST.*\n$/) });
  const missing = await runMsdha(place, "report", "--log", join(folder, "nothing"));
  expect(missing).toMatchObject({ code: 1, err: expect.stringMatching(/can't read .*nothing/) });
});

test("a report of a group whose etcd is away is one all the same", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const archive = join(group.dir, "report.tar.gz");
  const place = { endpoint: "http://127.0.0.1:1", group: group.name };
  expect(await runMsdha(place, "report", "--output", archive)).toMatchObject({ code: 0, err: "" });
  const all = execFileSync("tar", ["-xzOf", archive], { encoding: "utf8" });
  expect(all).toMatch(/failed: etcd does not answer/);
  expect(all).toMatch(/✗ etcd http:\/\/127.0.0.1:1 does not answer/);
});
