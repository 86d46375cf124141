import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEndpoints, readEtcdSettings } from "./read-settings.ts";
import { describeEndpoints } from "./settings.ts";
import { EtcdSettingsError } from "./settings-error.ts";

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "msdha-settings-"));
  for (const name of ["a", "b"]) {
    const key = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      file(`${name}.key`),
    ];
    execFileSync("openssl", ["req", "-x509", ...key, "-subj", "/CN=a", "-out", file(`${name}.crt`)], {
      stdio: "ignore",
    });
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readEtcdSettings(environment);
  } catch (error) {
    if (error instanceof EtcdSettingsError) return error.message.split("\n");
    throw error;
  }
  throw new Error("expected a problem, got none");
}

function endpoints(value: string, more: Record<string, string> = {}): string {
  return describeEndpoints(readEtcdSettings({ ETCDCTL_ENDPOINTS: value, ...more }));
}

describe("endpoints", () => {
  test("are read as URLs, several by commas", () => {
    const settings = readEtcdSettings({ ETCDCTL_ENDPOINTS: "https://a.example:2379, http://[::1]:4001/" });
    expect(settings).toEqual({
      endpoints: [
        { address: "a.example:2379", secure: true },
        { address: "[::1]:4001", secure: false },
      ],
    });
    expect(describeEndpoints(settings)).toBe("https://a.example:2379, http://[::1]:4001");
  });

  test("listen on 2379 unless told otherwise, whatever the scheme's own default is", () => {
    expect(endpoints("http://etcd")).toBe("http://etcd:2379");
    expect(endpoints("https://etcd")).toBe("https://etcd:2379");
    expect(endpoints("https://etcd:443")).toBe("https://etcd:443");
    expect(endpoints("http://etcd:80")).toBe("http://etcd:80");
  });

  test("without a scheme speak TLS if a TLS file is given", () => {
    expect(endpoints("etcd:2379")).toBe("http://etcd:2379");
    expect(endpoints("etcd:2379", { ETCDCTL_CACERT: file("a.crt") })).toBe("https://etcd:2379");
    expect(endpoints("http://etcd:2379", { ETCDCTL_CACERT: file("a.crt") })).toBe("http://etcd:2379");
  });

  test("are required", () => {
    writeFileSync(file("empty"), "\n");
    const missing = ["ETCDCTL_ENDPOINTS: expected one or more URLs of etcd, comma-separated: it is required"];
    expect(problemsOf({})).toEqual(missing);
    expect(problemsOf({ ETCDCTL_ENDPOINTS: "" })).toEqual(missing);
    expect(problemsOf({ ETCDCTL_ENDPOINTS_FILE: file("empty") })).toEqual(missing);
  });

  test.each([
    "ftp://etcd:2379",
    "http://",
    "http://etcd:99999",
    "http://etcd:0",
    "http://etcd:2379/v3",
    "http://etcd:2379?x=1",
    "http://user:pa#ss@etcd:2379",
    "http://user:%zz@etcd:2379",
    "http://:password@etcd:2379",
    "http://a b:2379",
    "http://a\nb:2379",
    "http://a:2379,,http://b:2379",
  ])("that can't be read are one problem each: %s", (value) => {
    const problems = problemsOf({ ETCDCTL_ENDPOINTS: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^ETCDCTL_ENDPOINTS: expected .*http\(s\):\/\/user:password@host:port/);
  });
});

describe("the user", () => {
  const userOf = (environment: Record<string, string>) =>
    readEtcdSettings({ ETCDCTL_ENDPOINTS: "http://etcd:2379", ...environment }).user;

  test("is read from the URLs, percent-encoding undone", () => {
    expect(userOf({})).toBeUndefined();
    expect(userOf({ ETCDCTL_ENDPOINTS: "http://a:2379,http://us%65r:p%40ss%2F%25%C3%BC@b:2379" })).toEqual({
      name: "user",
      password: "p@ss/%ü",
    });
  });

  test("is read as etcdctl does, before the URLs' user", () => {
    const inUrl = { ETCDCTL_ENDPOINTS: "http://other:x@etcd:2379" };
    expect(userOf({ ...inUrl, ETCDCTL_USER: "me:a:b" })).toEqual({ name: "me", password: "a:b" });
    expect(userOf({ ...inUrl, ETCDCTL_USER: "me", ETCDCTL_PASSWORD: "a:b" })).toEqual({
      name: "me",
      password: "a:b",
    });
    expect(userOf({ ETCDCTL_USER: "me:x", ETCDCTL_PASSWORD: "b" })).toEqual({ name: "me:x", password: "b" });
    expect(userOf({ ...inUrl, ETCDCTL_PASSWORD: "b" })).toEqual({ name: "other", password: "b" });
  });

  test("needs a password, and a password a user", () => {
    const etcd = { ETCDCTL_ENDPOINTS: "http://etcd:2379" };
    expect(problemsOf({ ...etcd, ETCDCTL_USER: "me" })[0]).toMatch(
      /^ETCDCTL_PASSWORD: expected the password/,
    );
    writeFileSync(file("empty"), "");
    expect(problemsOf({ ...etcd, ETCDCTL_USER: "me", ETCDCTL_PASSWORD_FILE: file("empty") })).toEqual([
      "ETCDCTL_PASSWORD: expected the password of the user in ETCDCTL_USER",
    ]);
    expect(problemsOf({ ...etcd, ETCDCTL_PASSWORD: "x" })[0]).toMatch(/^ETCDCTL_USER: expected a user/);
    expect(problemsOf({ ...etcd, ETCDCTL_USER: ":x" })[0]).toMatch(/^ETCDCTL_USER: expected name/);
  });

  test("must be the same in every URL", () => {
    const problems = problemsOf({ ETCDCTL_ENDPOINTS: "http://a:1@x:2379,http://a:2@y:2379" });
    expect(problems).toEqual([
      "ETCDCTL_ENDPOINTS: expected the same user and password in every URL that has them",
    ]);
  });
});

describe("files", () => {
  const etcd = { ETCDCTL_ENDPOINTS: "https://etcd:2379" };

  test("hold the values of variables, without their last line end", () => {
    writeFileSync(file("endpoints"), "http://etcd:2379\n");
    writeFileSync(file("password"), "secret \n");
    const settings = readEtcdSettings({
      ETCDCTL_ENDPOINTS_FILE: file("endpoints"),
      ETCDCTL_USER: "me",
      ETCDCTL_PASSWORD_FILE: file("password"),
    });
    expect(settings.user).toEqual({ name: "me", password: "secret " });
    expect(settings.endpoints).toEqual([{ address: "etcd:2379", secure: false }]);
  });

  test("of certificates are named by the variable, by a file, or are that file", () => {
    writeFileSync(file("path"), `${file("a.crt")}\n`);
    const ways = [
      { ETCDCTL_CACERT: file("a.crt") },
      { ETCDCTL_CACERT_FILE: file("path") },
      { ETCDCTL_CACERT_FILE: file("a.crt") },
    ];
    for (const way of ways) expect(readEtcdSettings({ ...etcd, ...way }).tls).toEqual({ ca: file("a.crt") });
    const pair = { ETCDCTL_CERT: file("a.crt"), ETCDCTL_KEY: file("a.key") };
    expect(readEtcdSettings({ ...etcd, ...pair }).tls).toEqual({ cert: file("a.crt"), key: file("a.key") });
  });

  test("of PEM may have text in front of it", () => {
    const key = readFileSync(file("a.key"), "utf8");
    for (const preamble of [
      "\n",
      "\ufeff",
      "Bag Attributes\n    friendlyName: a\nKey Attributes: <No Attributes>\n",
    ]) {
      writeFileSync(file("preamble.key"), preamble + key);
      const pair = { ETCDCTL_CERT: file("a.crt"), ETCDCTL_KEY_FILE: file("preamble.key") };
      expect(readEtcdSettings({ ...etcd, ...pair }).tls).toEqual({
        cert: file("a.crt"),
        key: file("preamble.key"),
      });
    }
  });

  test("are refused where their text is in the place of their path", () => {
    const key = readFileSync(file("a.key"), "utf8");
    const cert = { ...etcd, ETCDCTL_CERT: file("a.crt") };
    expect(problemsOf({ ...cert, ETCDCTL_KEY: key })).toEqual([
      "ETCDCTL_KEY: expected the path of a PEM file, not its text",
    ]);
    expect(problemsOf({ ...cert, ETCDCTL_KEY_FILE: `\n${key}` })).toEqual([
      "ETCDCTL_KEY_FILE: expected the path of a file, not its text",
    ]);
  });

  test("are told of by their path, never by what they hold", () => {
    writeFileSync(file("no.key"), readFileSync(file("a.key"), "utf8").replaceAll(/-----.*-----\n/g, ""));
    const cert = { ...etcd, ETCDCTL_CERT: file("a.crt") };
    expect(problemsOf({ ...cert, ETCDCTL_KEY_FILE: file("no.key") })[0]).toBe(
      `ETCDCTL_KEY_FILE: expected a PEM file, or a file with the path of one, that can be read (ENOENT), got "${file("no.key")}"`,
    );
    expect(problemsOf({ ...cert, ETCDCTL_KEY_FILE: "hunter2" })).toEqual([
      "ETCDCTL_KEY_FILE: expected the path of a file that can be read (ENOENT)",
    ]);
    expect(problemsOf({ ETCDCTL_ENDPOINTS_FILE: "http://u:hunter2@h:1" })).toEqual([
      "ETCDCTL_ENDPOINTS_FILE: expected the path of a file that can be read (ENOENT)",
    ]);
    expect(problemsOf({ ETCDCTL_ENDPOINTS_FILE: "/nowhere/u:hunter2@h" }).join()).not.toContain("hunter2");
  });

  test("that are missing, empty or of the wrong kind are told", () => {
    writeFileSync(file("text"), "not a certificate");
    expect(problemsOf({ ...etcd, ETCDCTL_CACERT: file("none") })[0]).toMatch(
      /^ETCDCTL_CACERT: .*ENOENT.*none"$/,
    );
    expect(problemsOf({ ...etcd, ETCDCTL_CACERT: file("text") })[0]).toMatch(
      /^ETCDCTL_CACERT: expected a file of PEM/,
    );
    expect(problemsOf({ ...etcd, ETCDCTL_CACERT: folder })[0]).toMatch(/^ETCDCTL_CACERT: .*EISDIR/);
    expect(problemsOf({ ETCDCTL_ENDPOINTS_FILE: file("none") })).toHaveLength(1);
    const mixed = { ETCDCTL_CERT: file("a.crt"), ETCDCTL_KEY: file("b.key") };
    expect(problemsOf({ ...etcd, ...mixed })[0]).toMatch(
      /^ETCDCTL_CERT: expected a PEM certificate that ETCDCTL_KEY/,
    );
  });

  test("belong together: a certificate and its key, a variable or its file", () => {
    expect(problemsOf({ ...etcd, ETCDCTL_CERT: file("a.crt") })[0]).toMatch(/^ETCDCTL_KEY: expected the key/);
    expect(problemsOf({ ...etcd, ETCDCTL_KEY: file("a.key") })[0]).toMatch(
      /^ETCDCTL_CERT: expected the certificate/,
    );
    const both = { ...etcd, ETCDCTL_ENDPOINTS_FILE: file("endpoints") };
    expect(problemsOf(both)).toEqual([
      "ETCDCTL_ENDPOINTS: expected either ETCDCTL_ENDPOINTS or ETCDCTL_ENDPOINTS_FILE, not both",
    ]);
  });
});

test("all problems are told together, each in one line, and no password in any", () => {
  const problems = problemsOf({
    ETCDCTL_ENDPOINTS: "http://me:hunter2@a:2379,http://me:hun#ter2@b:2379,ftp://me:hunter2@c",
    ETCDCTL_USER: ":hunter2",
    ETCDCTL_CACERT: "/nowhere\n/ca.crt",
    ETCDCTL_KEY_FILE: "/nowhere/key",
  });
  expect(problems.map((line) => line.split(":")[0])).toEqual([
    "ETCDCTL_CACERT",
    "ETCDCTL_KEY_FILE",
    "ETCDCTL_CERT",
    "ETCDCTL_ENDPOINTS",
    "ETCDCTL_ENDPOINTS",
    "ETCDCTL_USER",
  ]);
  expect(problems[3]).toMatch(/\(entry 2 of 3\)$/);
  expect(problems.join()).not.toContain("hun");
});

describe("one text of URLs", () => {
  test("gives the endpoints", () => {
    expect(parseEndpoints("http://a, https://b:1").endpoints).toEqual([
      { address: "a:2379", secure: false },
      { address: "b:1", secure: true },
    ]);
  });

  test.each([
    ["", /^expected one or more URLs of etcd, comma-separated, got an empty text$/],
    ["http://a,ftp://u:secret@b", /the URLs of etcd: expected .* no other scheme \(entry 2 of 2\)$/],
  ])("is refused with what was expected: %j", (urls, why) => {
    expect(() => parseEndpoints(urls)).toThrow(why);
    expect(() => parseEndpoints(urls)).not.toThrow(/secret/);
  });
});
