import { expect, test } from "vitest";
import { connectEtcd } from "./connect.ts";
import { connectMember } from "./member.ts";
import { openEtcd } from "./open-etcd.ts";

const endpoints = [{ address: "127.0.0.1:1", secure: false }];

test.each<[string, unknown, string]>([
  ["undefined", undefined, "expected etcd's settings or URLs, got undefined"],
  ["null", null, "expected etcd's settings or URLs, got null"],
  ["a number", 7, "expected etcd's settings or URLs, got a value of type number"],
  ["a list", ["http://a"], "expected etcd's settings or URLs, got an array"],
  ["an empty object", {}, "expected endpoints as an array, got undefined"],
  ["one URL as endpoints", { endpoints: "a" }, "expected endpoints as an array, got a value of type string"],
  ["no endpoint", { endpoints: [] }, "expected at least one endpoint, got none"],
  [
    "an endpoint without an address",
    { endpoints: [{}] },
    "expected an endpoint's address as host:port, with no scheme or user, got undefined",
  ],
  ["a URL as an endpoint", { endpoints: ["a"] }, "expected an endpoint, got a value of type string"],
  [
    "a URL as an address",
    { endpoints: [{ address: "http://me:secret@a:1" }] },
    "expected an endpoint's address as host:port, with no scheme or user, got another string",
  ],
  [
    "a word for secure",
    { endpoints: [{ address: "a:1", secure: "no" }] },
    'expected an endpoint\'s "secure" as true or false, got a value of type string',
  ],
  [
    "a user without a password",
    { endpoints, user: { name: "me" } },
    "expected the user's name and password as strings, got a value of type string and undefined",
  ],
  [
    "a text for TLS files",
    { endpoints, tls: "ca.pem" },
    "expected the TLS files, got a value of type string",
  ],
])("%s for settings is refused in one clear line", async (_, settings, why) => {
  const expected = new TypeError(why);
  expect(() => connectEtcd(settings as never)).toThrow(expected);
  expect(() => connectMember(settings as never, 0)).toThrow(expected);
  await expect(openEtcd(settings as never, { timeoutMs: 1 })).rejects.toThrow(expected);
});

test.each(["", " "])('"%s" for URLs is refused in one clear line', (urls) => {
  expect(() => connectEtcd(urls)).toThrow(
    new TypeError("expected one or more URLs of etcd, comma-separated, got an empty text"),
  );
});

test("what is right is connected", async () => {
  for (const settings of ["http://a", { endpoints }, { endpoints: [{ address: "[::1]:2379" }], tls: {} }]) {
    await connectEtcd(settings as never)[Symbol.asyncDispose]();
  }
});
