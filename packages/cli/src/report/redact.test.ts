import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createRedactor, isSecret } from "./redact.ts";
import { listSettings } from "./settings-text.ts";

const folder = mkdtempSync(join(tmpdir(), "msdha-redact-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test.each([
  ["POSTGRES_PASSWORD", true],
  ["MSDHA_PG_PASSWORD", true],
  ["REDIS_PASSWD", true],
  ["AWS_SECRET_ACCESS_KEY", true],
  ["MSDHA_PG_PASSWORD_FILE", false],
  ["MSDHA_FENCING_TOKEN", false],
  ["MSDHA_PASSIVE", false],
])("%s is a secret: %s", (name, expected) => {
  expect(isSecret(name)).toBe(expected);
});

const environment = {
  ETCDCTL_USER: "eve:plant-one",
  ETCDCTL_PASSWORD_FILE: file("etcd", "plant-two\n"),
  POSTGRES_PASSWORD: "plant three",
  REDIS_PASSWORD_FILE: "/nowhere/at/all",
  MSDHA_GROUP: "db",
  MSDHA_PG_PASSWORD: "pw",
  ETCDCTL_ENDPOINTS: "https://u:plant-four@etcd:2379",
  HOME: "/root",
};

test("hides what variables, their files, URLs and words such as password= hold", () => {
  const redact = createRedactor(environment);
  const text = redact(`eve:plant-one logs in with plant-two, and "plant three"
conninfo user=a password=plant-five host=b, dsn postgres://a:plant-six@db/x
{"dbPassword":"plant-seven","other":1} requirepass_pwd: plant-eight
ALTER USER a IDENTIFIED BY 'plant-nine'; MSDHA_PG_PASSWORD_FILE=/run/secrets/pg token=31`);
  expect(text).not.toMatch(/plant/);
  expect(text).toMatch(/user=a password=\*\*\* host=b/);
  expect(text).toContain("postgres://a:***@db/x");
  expect(text).toContain('"other":1');
  expect(text).toContain("MSDHA_PG_PASSWORD_FILE=/run/secrets/pg token=31");
});

test("takes a text that is one long word in no time", () => {
  const redact = createRedactor(environment);
  for (const piece of ["a", "a.", "password", "a:/"]) {
    const begun = performance.now();
    redact(piece.repeat(200_000));
    expect(performance.now() - begun).toBeLessThan(5_000);
  }
});

test("lists MSDHA's own settings, and no secret of them", () => {
  const redact = createRedactor(environment);
  expect(redact(listSettings(environment)).split("\n")).toEqual([
    "ETCDCTL_ENDPOINTS=https://u:***@etcd:2379",
    `ETCDCTL_PASSWORD_FILE=${join(folder, "etcd")}`,
    "ETCDCTL_USER=eve:***",
    "MSDHA_GROUP=db",
    "MSDHA_PG_PASSWORD=***",
    "",
  ]);
});
