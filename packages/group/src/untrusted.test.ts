import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import fc from "fast-check";
import { test } from "vitest";
import { applyBatch } from "./apply-batch.ts";
import { isName } from "./keys.ts";
import { nodeChanges } from "./node-change.ts";
import { isAddress } from "./node-state.ts";
import { createGroupView, type GroupView, mastership } from "./view.ts";

const RUNS = 10_000;
const empty = createGroupView("db");

/** Texts that somebody writes who wants to get in somewhere, and any others. */
const hostile = fc.constantFrom(
  ...[
    "a\nb",
    "a\r\n",
    "\u001b[2J",
    "\u0000",
    "a b",
    "-rf",
    "--help",
    "..",
    "../../etc/passwd",
    "$(reboot)",
    "`id`",
  ],
  ...[
    "a;b",
    "a|b",
    "a&b",
    "'",
    '"',
    "\\",
    "__proto__",
    "constructor",
    "\u2028",
    "\u202e",
    "%s",
    "\ud800",
    "\ufffd",
  ],
);
const text = fc.oneof(hostile, fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
const name = fc.oneof({ weight: 3, arbitrary: fc.constantFrom("a", "b") }, text);
const field = fc.oneof(name, fc.double(), fc.constant(null), fc.array(text, { maxLength: 2 }));
const state = fc.oneof(fc.constantFrom("ready", "master"), text);
const key = fc.oneof(
  name,
  fc.constantFrom("_lock", "_handover", "_ttl", "_election", "_last_master"),
  name.map((one) => `_node/${one}`),
  name.map((one) => `_rank/${one}`),
  name.map((one) => `_since/${one}`),
  name.map((one) => `_history/${one}`),
  name.map((one) => `_ask/hold/${one}`),
);
const value = fc.oneof(
  state,
  fc.record({ node: field, takenAfter: fc.oneof(fc.constantFrom("wait", "handover"), field) }).map(toJson),
  fc.record({ runId: field, address: field, ttlSeconds: field, candidateTimeoutMs: field }).map(toJson),
  fc.record({ round: field, may: fc.oneof(fc.boolean(), field), rank: field }).map(toJson),
  fc.record({ node: field, token: field, for: field, masterStopped: field }).map(toJson),
  fc.json(),
);
const kv = fc
  .record({ key, value, lease: fc.constantFrom("0", "7", "8"), revision: fc.integer({ min: 1, max: 9 }) })
  .map(
    ({ key, value, lease, revision }): KeyValue => ({
      ...{ key: `/msdha/db/${key}`, value, lease, createRevision: revision, modRevision: revision },
    }),
  );
const event = fc.record({
  type: fc.constantFrom("PUT" as const, "DELETE" as const),
  kv,
}) as fc.Arbitrary<WatchEvent>;

function toJson(content: unknown): string {
  return JSON.stringify(content);
}

function batchOf(events: readonly WatchEvent[]): Parameters<typeof applyBatch>[1] {
  return { type: "changes", revision: 9, events, resumed: false, resync: false, restored: false };
}

test("whatever is in etcd, what a view tells is names, addresses and numbers that can do no harm", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const view: GroupView = applyBatch(empty, batchOf(events));
      const master = mastership(view);
      const names = [view.nodes, view.details, view.answers, view.announced].flatMap((map) => [
        ...map.keys(),
      ]);
      return (
        (master.kind !== "master" ||
          (isName(master.name) &&
            (master.address === master.name || isAddress(master.address)) &&
            Number.isInteger(master.token))) &&
        names.every(isName) &&
        [...view.details.values()].every(({ address }) => isAddress(address)) &&
        [...view.answers.values()].every(({ rank }) => rank === undefined || typeof rank === "bigint") &&
        view.ttl.seconds >= 0
      );
    }),
    { numRuns: RUNS },
  );
});

test("whatever is in etcd, a hook is called with an action, a name and a word", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 4 }), (events) =>
      nodeChanges(empty.keys, batchOf(events)).every(
        ({ action, node, state: told }) =>
          ["PUT", "DELETE"].includes(action) &&
          /^[^-._/\s\p{C}][^/\s\p{C}]*$/u.test(node) &&
          (action === "PUT" ? /^[\x21-\x7e]{1,64}$/ : /^$/).test(told),
      ),
    ),
    { numRuns: RUNS },
  );
});
