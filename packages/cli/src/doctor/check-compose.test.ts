import { describe, expect, test } from "vitest";
import { expectFinding } from "../../test/expect-finding.ts";
import { checkCompose } from "./check-compose.ts";
import type { Finding } from "./finding.ts";

describe("a compose file", () => {
  const service = {
    environment: { MSDHA_GROUP: "db", MSDHA_STOP_TIMEOUT: "20" },
    restart: "unless-stopped",
    stop_grace_period: "1m30s",
    volumes: [{ type: "volume", target: "/data" }],
  };
  const check = (change: object): readonly Finding[] =>
    checkCompose(JSON.stringify({ services: { db1: { ...service, ...change }, etcd: { image: "etcd" } } }));

  test("that is well", () => {
    expect(check({}).every(({ level }) => level === "ok")).toBe(true);
    const frontend = { environment: { MSDHA_GROUP: "db", MSDHA_PORT: "5432" }, restart: "always" };
    expect(checkCompose(JSON.stringify({ services: { front: frontend } }))).toHaveLength(1);
  });

  test("whose lists have short forms, as a file has them that another program made JSON", () => {
    const short = {
      environment: ["MSDHA_GROUP=db", "MSDHA_STOP_TIMEOUT=20", "MSDHA_RUN_DIR=/run/a=b", "PATH"],
      volumes: ["data:/data", "runs:/run:rw", "/cache"],
      tmpfs: null,
      hostname: null,
      deploy: null,
    };
    expect(check(short).every(({ level }) => level === "ok")).toBe(true);
    const services = { one: { ...service, ...short }, two: { ...service, ...short } };
    expectFinding(checkCompose(JSON.stringify({ services })), "error", /one and two have one run folder/);
    expectFinding(check({ environment: ["MSDHA_GROUP=db"] }), "ok", /MSDHA_STOP_TIMEOUT 8 s/);
  });

  test.each([
    ["no service", { services: { db1: null } }, /db1 is no service/],
    ["no service, but a list", { services: { db1: [] } }, /db1 is no service/],
    ["a list of services", { services: [service] }, /docker compose config --format json/],
    ["nothing", null, /docker compose config --format json/],
  ])("that has %s is refused", (_what, file, message) => {
    expect(() => checkCompose(JSON.stringify(file))).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    );
  });

  test.each<[string, object, Finding["level"], RegExp]>([
    [
      "that kills stops",
      { stop_grace_period: "15s" },
      "error",
      /stop_grace_period is 15 s, MSDHA_STOP_TIMEOUT 20 s/,
    ],
    ["that kills stops by default", { stop_grace_period: undefined }, "error", /stop_grace_period is 10 s/],
    [
      "that kills stops, by what PostgreSQL's image sets",
      { image: "here/msdha-backend-postgresql:1", environment: { MSDHA_GROUP: "db" } },
      "error",
      /stop_grace_period is 90 s, MSDHA_STOP_TIMEOUT 300 s/,
    ],
    [
      "that kills stops, by what PostgreSQL's image sets under another name",
      {
        image: "registry.example.org/db:1",
        environment: { MSDHA_GROUP: "db", MSDHA_PG_REPLICATION_PASSWORD_FILE: "/p" },
      },
      "error",
      /stop_grace_period is 90 s, MSDHA_STOP_TIMEOUT 300 s/,
    ],
    ["that kills stops by a moment", { stop_grace_period: "20.5s" }, "error", /period is 20.5 s/],
    ["that gives stops a second more", { stop_grace_period: "21s" }, "ok", /stop_grace_period is 21 s/],
    [
      "with a stop time that can't be seen here",
      { environment: { MSDHA_GROUP: "db", MSDHA_STOP_TIMEOUT_FILE: "/run/secrets/stop" } },
      "warning",
      /MSDHA_STOP_TIMEOUT is in a file, which is not looked at/,
    ],
    ["that starts nothing again", { restart: undefined }, "error", /restart is not set/],
    ["that starts only after failures", { restart: "on-failure" }, "error", /restart is on-failure/],
    ["with a host name alone", { hostname: "db-1" }, "warning", /hostname is set, MSDHA_NAME is not/],
    ["without a volume", { volumes: [] }, "warning", /it has no volume/],
    ["with its run folder in memory", { tmpfs: ["/run:size=64m"] }, "warning", /run\/msdha is on a tmpfs/],
    [
      "with its run folder in memory, by a mount",
      { volumes: [{ type: "tmpfs", target: "/run/msdha" }] },
      "warning",
      /is on a tmpfs/,
    ],
    ["that can't write its run folder", { read_only: true }, "error", /file system is read-only/],
    [
      "that can write its run folder alone",
      { read_only: true, volumes: [{ type: "volume", source: "run1", target: "/run/msdha" }] },
      "ok",
      /outlives a restart/,
    ],
  ])("%s", (_what, change, level, text) => {
    expectFinding(check(change), level, text);
  });

  test("with its name or its port in a file", () => {
    const environment = { MSDHA_GROUP_FILE: "/g", MSDHA_STOP_TIMEOUT: "20", MSDHA_NAME_FILE: "/n" };
    const named = check({ hostname: "db-1", environment });
    expect(named.filter(({ level }) => level !== "ok")).toEqual([]);
    const frontend = { environment: { MSDHA_GROUP: "db", MSDHA_PORT_FILE: "/p" }, restart: "always" };
    expect(checkCompose(JSON.stringify({ services: { front: frontend } }))).toHaveLength(1);
  });

  test("with two nodes in one run folder", () => {
    const shared = { type: "volume", source: "run", target: "/run" };
    const text = (second: object): string =>
      JSON.stringify({
        services: { db1: { ...service, volumes: [shared] }, db2: { ...service, ...second } },
      });
    expectFinding(checkCompose(text({ volumes: [shared] })), "error", /db1 and db2 have one run folder/);
    const own = { MSDHA_GROUP: "db", MSDHA_STOP_TIMEOUT: "20", MSDHA_RUN_DIR: "/run/msdha-2" };
    for (const second of [{ environment: own, volumes: [shared] }, {}])
      expect(checkCompose(text(second)).filter(({ what }) => /one run folder/.test(what))).toEqual([]);
  });

  test("without any of ours, or that is none", () => {
    expectFinding(checkCompose('{"services":{"etcd":{}}}'), "error", /no service of this file/);
    for (const text of ["services: {}", "[]", "", '{"services":1}']) {
      expect(() => checkCompose(text)).toThrow(/docker compose config --format json/);
    }
  });
});
