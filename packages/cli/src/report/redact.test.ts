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
  ["MYSQL_PWD", true],
  ["VAULT_TOKEN", true],
  ["PWD", false],
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

test.each([
  ["ALTER ROLE app PASSWORD 'plant'", "ALTER ROLE app PASSWORD ***"],
  [
    "STATEMENT:  CREATE USER a ENCRYPTED PASSWORD E'pl\\'ant' LOGIN",
    "STATEMENT:  CREATE USER a ENCRYPTED PASSWORD *** LOGIN",
  ],
  ["ALTER USER a IDENTIFIED WITH sha2 BY 'plant'", "ALTER USER a IDENTIFIED WITH sha2 BY ***"],
  ["SET PASSWORD FOR 'a'@'b' = 'plant'", "SET PASSWORD FOR 'a'@'b' = ***"],
  [
    "primary_conninfo = 'user=a password=''plant'' host=b'",
    "primary_conninfo = 'user=a password=*** host=b'",
  ],
  ["password='pl\\'ant' host=b", "password=*** host=b"],
  ["password='plant…", "password=***"],
  [String.raw`{"msg":"{\"password\":\"plant\",\"a\":1}"}`, String.raw`{"msg":"{\"password\":***,\"a\":1}"}`],
  ["postgres://a:pl@nt/plant@db/x", "postgres://a:***@db/x"],
  ["http://db:2379/a@b", "http://db:2379/a@b"],
  ["http://a:plant@b:2379,http://a:plant@c:2379", "http://a:***@b:2379,http://a:***@c:2379"],
  ["pg_dump --password plant --jobs 2", "pg_dump --password *** --jobs 2"],
  ["requirepass plant", "requirepass ***"],
  ["Authorization: Bearer plant", "Authorization: Bearer ***"],
  ["api_key=plant access-token=plant db_pass: plant", "api_key=*** access-token=*** db_pass: ***"],
  ["-----BEGIN PRIVATE KEY-----\nplant\n-----END", "-----BEGIN PRIVATE KEY-----***-----END"],
  ['password authentication failed for user "app"', 'password authentication failed for user "app"'],
  ["bypass: 5, passed=3, compass=4", "bypass: 5, passed=3, compass=4"],
])("writes %j as %j", (text, expected) => {
  expect(createRedactor({})(text)).toBe(expected);
});

test("hides a secret also as JSON and URLs write it, and what URLs in variables hold", () => {
  const redact = createRedactor({
    POSTGRES_PASSWORD: 'pl"ant\\one@',
    MYSQL_RANDOM_ROOT_PASSWORD: "true",
    ETCDCTL_ENDPOINTS: "https://u:plant%40two@etcd:2379",
  });
  const text = `${JSON.stringify('pl"ant\\one@')} ${encodeURIComponent('pl"ant\\one@')} plant@two true`;
  expect(redact(text)).toBe('"***" *** *** true');
});

test("takes a text that is one long word in no time", () => {
  const redact = createRedactor(environment);
  for (const piece of ["a", "a.", "password", "a:/", "a://b:", "password='", "pass word ("]) {
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
