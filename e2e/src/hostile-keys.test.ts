import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { Etcd3 } from "etcd3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { startClient } from "./support/client.ts";
import { startFrontend } from "./support/frontend.ts";
import { startGroup, type TestGroup } from "./support/group.ts";
import { backendCommand } from "./support/paths.ts";

const HOSTILE = [
  ...[
    "a\nb",
    "x\r\ny",
    "\u001b[2J",
    "\u0000",
    "a b",
    "-rf",
    "--help",
    "..",
    ".",
    "../../etc/passwd",
    "$(reboot)",
    "`id`",
  ],
  ...[
    "a;b",
    "a|b",
    "a&b",
    "a'b",
    'a"b',
    "a\\b",
    "__proto__",
    "constructor",
    "toString",
    "a\u2028b",
    "\u202e",
    "\ufffd",
    "%s%n",
    "é",
    "名",
  ],
  ...["x".repeat(253), "x".repeat(254), "*", "a=b", "a#b", "~", "a\u009b2Jb"],
];
const GENERATED = 150;

/** Bytes that are no UTF-8: a byte that begins nothing, a character cut short, an overlong `/`, a surrogate, beyond the last. */
const NO_TEXT = ["ff", "61ff62", "6e31c3", "c0af", "eda080", "f4908080", "80", "fe0a1b5b324a"].map((hex) =>
  Buffer.from(hex, "hex"),
);

/** Texts that are often no names, the same ones each time. */
function hostileTexts(): readonly string[] {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 30 });
  return [...HOSTILE, ...fc.sample(text, { numRuns: GENERATED, seed: 4 })].map((one) => one.toWellFormed());
}

/** Writes keys that no node writes: names, states, addresses and ranks of all kinds. */
async function writeHostileKeys(group: TestGroup): Promise<void> {
  const client = new Etcd3({ hosts: group.etcd.endpoint });
  try {
    for (const text of hostileTexts()) {
      const details = JSON.stringify({ runId: text, address: text, ttlSeconds: 3, ranks: true });
      await client.put(`/msdha/db/${text}`).value("master").exec();
      await client.put(`/msdha/db/n${text.length}`).value(text).exec();
      await client.put(`/msdha/db/_node/n${text.length}`).value(details).exec();
      await client.put(`/msdha/db/_node/${text}`).value(details).exec();
      await client.put(`/msdha/db/_rank/${text}`).value(text).exec();
      await client.put(`/msdha/db/_${text}/x`).value(text).exec();
    }
    for (const bytes of NO_TEXT) {
      for (const folder of ["", "_node/", "_rank/", "_claim/", "_value/"]) {
        await client
          .put(Buffer.concat([Buffer.from(`/msdha/db/${folder}`), bytes]))
          .value("master")
          .exec();
      }
      await client
        .put(`/msdha/db/raw${bytes.toString("hex")}`)
        .value(bytes)
        .exec();
      await client
        .put(`/msdha/db/_node/raw${bytes.toString("hex")}`)
        .value(detailsWith(bytes))
        .exec();
    }
    await client.put("/msdha/db/last").value("ready").exec();
  } finally {
    client.close();
  }
}

/** A node's details with raw bytes in the place of its address. */
function detailsWith(bytes: Buffer): Buffer {
  const [before = "", after = ""] = JSON.stringify({ runId: "x", address: "|", ttlSeconds: 3 }).split("|");
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
}

/** What was written after a hook's mark, with every argument between two control characters that no name has. */
function callsIn(file: string): readonly (readonly string[])[] {
  return readFileSync(file, "utf8")
    .split("\u0002")
    .filter(Boolean)
    .map((call) => call.split("\u0001").slice(0, -1));
}

function expectPlainLines(log: string): void {
  for (const line of log.trimEnd().split("\n")) {
    expect(line).not.toMatch(/\p{Cc}/u);
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT/);
  }
}

test("keys that somebody else wrote get into no hook, file, log, command or configuration", async () => {
  await using group = await startGroup();
  const calls = join(group.dir, "calls");
  const start = () =>
    group.start("a", {
      listen: { address: "127.0.72.1", port: frontend.port },
      hooks: { node_state_change: `{ printf '\\001%s' "$@"; printf '\\001\\002'; } >> ${calls}` },
    });
  await using frontend = await startFrontend({
    ...{ dir: group.dir, endpoints: group.etcd.endpoint, group: "db", ttlSeconds: 3 },
  });
  const a = start();
  await group.masterAmong([a]);
  const currentMaster = join(a.runDir, "current_master");
  await waitFor(() => readFileSync(currentMaster, "utf8") === "a\n", { what: "the current master's file" });
  const filesBefore = readdirSync(a.runDir).sort();
  const configFile = join(group.dir, "frontend-db", "haproxy", "haproxy.cfg");
  const configBefore = readFileSync(configFile, "utf8");
  await using client = startClient(frontend.port);
  await waitFor(() => client.servedBy("a"), { what: "a visit" });

  await writeHostileKeys(group);
  await waitFor(() => callsIn(calls).some((call) => call[2] === "last"), {
    what: "all calls",
    timeoutMs: 60_000,
  });

  for (const call of callsIn(calls)) {
    expect(call).toHaveLength(4);
    const [, action, name, state] = call;
    expect(action).toMatch(/^(init|PUT|DELETE)$/);
    expect(name).toMatch(/^(?![-._])[^/\p{White_Space}\p{C}\ufffd]{1,253}$/u);
    expect(state).toMatch(/^[\x21-\x7e]{1,64}$/);
  }
  expect(callsIn(calls).filter(([, , name]) => name?.startsWith("raw"))).toEqual(
    NO_TEXT.map((bytes) => [expect.any(String), "PUT", `raw${bytes.toString("hex")}`, "invalid"]),
  );
  expect(readdirSync(a.runDir).sort()).toEqual(filesBefore);
  expect(readFileSync(currentMaster, "utf8")).toBe("a\n");
  expect(readFileSync(configFile, "utf8")).toBe(configBefore);
  for (const log of [a.log(), frontend.log()]) expectPlainLines(log);
  const env = { PATH: process.env["PATH"], MSDHA_RUN_DIR: a.runDir };
  const nodes = execFileSync(backendCommand, ["nodes"], { env, encoding: "utf8" });
  expect(nodes).toMatch(/^a master 127\.0\.72\.1$/m);
  for (const line of nodes.trimEnd().split("\n"))
    expect(line).toMatch(/^[^\p{C}\s\ufffd]+ [\x21-\x7e]+ [^\p{C}\s\ufffd]+$/u);
  expect(
    nodes
      .trimEnd()
      .split("\n")
      .filter((line) => line.includes("native code")),
  ).toEqual([]);
  const asked = performance.now();
  await waitFor(() => client.servedBy("a", asked), { what: "another visit" });
  expect(client.visits.filter(({ by }) => by !== undefined && by !== "a")).toEqual([]);
});
