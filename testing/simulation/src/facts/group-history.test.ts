import type { WatchEvent } from "@msdha/etcd-client";
import { groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { createGroupHistory } from "./group-history.ts";

const keys = groupKeys("g");

function setUp() {
  const history = createGroupHistory(keys);
  let revision = 1;
  const write = (type: WatchEvent["type"], node: string, value = ""): void => {
    revision += 1;
    const kv = { key: keys.node(node), value, createRevision: revision, modRevision: revision, lease: "1" };
    history.add(revision, [{ type, kv }]);
  };
  const reader = history.reader();
  return { history, write, reader, read: () => reader.read(revision) };
}

test("single steps may be left out where there was a compaction, but not what they come to", () => {
  const { history, write, reader, read } = setUp();
  read();
  write("PUT", "a", "start");
  write("PUT", "a", "ready");
  history.compacted();
  read();
  expect(reader.take({ action: "PUT", node: "a", state: "ready" })).toBe(true);
  write("DELETE", "a");
  expect(reader.take({ action: "PUT", node: "a", state: "master" })).toBe(false);
});

test("what came to nothing within a compaction need not be told, and the history goes on after it", () => {
  const { history, write, reader, read } = setUp();
  read();
  write("PUT", "a", "start");
  write("DELETE", "a");
  history.compacted();
  read();
  write("PUT", "b", "ready");
  expect(reader.take({ action: "PUT", node: "b", state: "ready" })).toBe(true);
});

test("without a compaction every step is told", () => {
  const { write, reader, read } = setUp();
  read();
  write("PUT", "a", "start");
  write("DELETE", "a");
  read();
  write("PUT", "b", "ready");
  expect(reader.take({ action: "PUT", node: "b", state: "ready" })).toBe(false);
});
