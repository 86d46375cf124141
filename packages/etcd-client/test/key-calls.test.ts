import { randomBytes } from "node:crypto";
import { startEtcd } from "@msdha/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connectEtcd,
  type Etcd,
  EtcdCompactedError,
  EtcdRequestError,
  EtcdTooLargeError,
  type RangeStart,
} from "../src/index.ts";

let member: Awaited<ReturnType<typeof startEtcd>>;
let etcd: Etcd;

beforeAll(async () => {
  member = await startEtcd();
  etcd = connectEtcd(member.endpoint);
});

afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]();
  await member?.[Symbol.asyncDispose]();
});

test("a prefix is read page by page, as one revision has it, whatever is written meanwhile", async () => {
  for (const name of ["a", "b", "c", "d", "e"]) await etcd.put(`/pages/${name}`, `first ${name}`);
  const request = { key: "/pages/", prefix: true, limit: 2 };
  const read: string[] = [];
  let next: RangeStart | undefined;
  do {
    const page = await etcd.range({ ...request, ...next });
    read.push(...page.kvs.map(({ value }) => value));
    expect(page.kvs.length).toBeLessThanOrEqual(2);
    if (next) expect(page.revision).toBe(next.revision);
    next = page.next;
    await etcd.put("/pages/e", "later");
    await etcd.put("/pages/z", "later");
    await etcd.delete("/pages/c");
  } while (next);
  expect(read).toEqual(["first a", "first b", "first c", "first d", "first e"]);
});

test("a range begins at a key that need not be there, and ends with its prefix", async () => {
  for (const key of ["/start/a", "/start/c", "/start0"]) await etcd.put(key, "");
  const { kvs } = await etcd.range({ key: "/start/", prefix: true, start: "/start/b" });
  expect(kvs.map(({ key }) => key)).toEqual(["/start/c"]);
});

test("a limit that is not reached leaves nothing to read", async () => {
  await etcd.put("/few/a", "1");
  const { kvs, next } = await etcd.range({ key: "/few/", prefix: true, limit: 1 });
  expect(kvs).toHaveLength(1);
  expect(next).toBeUndefined();
});

test("values are left out where only keys are asked for", async () => {
  const { revision } = await etcd.put("/keys/a", "1");
  const { kvs } = await etcd.range({ key: "/keys/", prefix: true, keysOnly: true });
  expect(kvs).toEqual([
    { key: "/keys/a", value: "", createRevision: revision, modRevision: revision, lease: "0" },
  ]);
});

test("an older revision is read as it was, until it is compacted", async () => {
  const { revision } = await etcd.put("/old", "before");
  const after = await etcd.put("/old", "after");
  expect((await etcd.get("/old", { revision }))?.value).toBe("before");
  expect(await etcd.get("/old", { revision: revision - 1 })).toBeUndefined();
  const read = await etcd.range({ key: "/ol", prefix: true, revision });
  expect(read).toMatchObject({ kvs: [{ value: "before" }], revision });
  await expect(etcd.get("/old", { revision: after.revision + 100 })).rejects.toThrow(EtcdRequestError);
  await member.etcdctl("compact", String(after.revision));
  await expect(etcd.get("/old", { revision })).rejects.toThrow(EtcdCompactedError);
  expect((await etcd.get("/old", { revision: after.revision }))?.value).toBe("after");
});

test("bytes are put and read as they are, as keys and values", async () => {
  const key = Buffer.concat([Buffer.from("/bytes/"), Buffer.of(0xff, 0, 0x80)]);
  const value = randomBytes(1_000);
  await etcd.put(key, value);
  await etcd.put("/bytes/ü", "ö");
  const found = await etcd.get(key, { bytes: true });
  expect(Buffer.from(found?.value ?? "").equals(value)).toBe(true);
  const { kvs } = await etcd.range({ key: Buffer.from("/bytes/"), prefix: true }, { bytes: true });
  expect(kvs.map((kv) => Buffer.from(kv.key).toString("hex"))).toEqual([
    Buffer.from("/bytes/ü").toString("hex"),
    key.toString("hex"),
  ]);
  const written = await member.etcdctl("get", "/bytes/", "--prefix", "--print-value-only", "--limit=1");
  expect(written.trim()).toBe("ö");
  // What was read as a text is the same key.
  const texts = (await etcd.range({ key: "/bytes/", prefix: true })).kvs;
  expect(await etcd.delete(texts[1]?.key ?? "")).toBe(true);
  expect(await etcd.get(key)).toBeUndefined();
});

test("a value that was read as a text is compared and written as the same bytes", async () => {
  const value = Buffer.of(0xc3, 0x28, 0xff);
  await etcd.put("/same", value);
  const read = await etcd.get("/same");
  const { succeeded } = await etcd.txn(
    {
      compare: [{ key: "/same", target: "value", is: "=", value: read?.value ?? "" }],
      success: [{ type: "put", key: "/copy", value: read?.value ?? "" }],
      failure: [],
    },
    { timeoutMs: 5_000 },
  );
  expect(succeeded).toBe(true);
  expect((await etcd.get("/copy", { bytes: true }))?.value).toEqual(value);
});

test("a wrong argument is named before anything is sent, and harms nobody", async () => {
  await expect(
    etcd.txn({ compare: [], success: [{ type: "put" }] } as never, { timeoutMs: 1_000 }),
  ).rejects.toThrow(TypeError);
  await expect(etcd.range({ key: "/a" }, { timeoutMs: Number.NaN })).rejects.toThrow(
    "expected timeoutMs as a number of at most 2147483647, got NaN",
  );
  await expect(etcd.get("/a", { timeoutMs: Number.POSITIVE_INFINITY })).rejects.toThrow(TypeError);
  expect((await etcd.put("/a", "1")).revision).toBeGreaterThan(0);
});

const MB = 1024 * 1024;

test.each([1.5 * MB, 1_992_000, 2 * MB - 5, 2 * MB, 2.5 * MB, 3 * MB, 20 * MB])(
  "a put of %d bytes is refused at once, with its size and the limit",
  async (bytes) => {
    // Without an end in the time of a test: what is taken for an outage is tried until then.
    const refused = await etcd.put("/large", "x".repeat(bytes), { timeoutMs: 1e8 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(EtcdTooLargeError);
    const { code, message, sizeBytes = 0 } = refused as EtcdTooLargeError;
    expect(code).toBe("ERR_ETCD_TOO_LARGE");
    expect(sizeBytes - bytes).toBeGreaterThanOrEqual("/large".length);
    expect(sizeBytes - bytes).toBeLessThan(50);
    expect(message).toMatch(/too large: \d+ bytes, of at most --max-request-bytes \(1572864/);
    expect(await etcd.get("/large")).toBeUndefined();
  },
);

test("a put that is hardly small enough is carried out", async () => {
  await etcd.put("/large", "x".repeat(1.5 * MB - 100));
  await etcd.delete("/large");
});
