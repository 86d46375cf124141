import { systemClock } from "@msdha/clock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { groupKeys, readGroup } from "@msdha/group";
import { expect, test, vi } from "vitest";
import { describeView } from "../requests/describe-view.ts";
import { printChanges } from "./events.ts";

const keys = groupKeys("db");

/** Follows a group on a simulated etcd, and keeps what is printed. */
function follow() {
  const etcd = createSimulatedEtcd({ clock: systemClock, seed: 1 });
  const client = etcd.connect();
  const stop = new AbortController();
  const { signal } = stop;
  const printed: string[] = [];
  const notes: string[] = [];
  const begun = Promise.withResolvers<void>();
  const context = {
    write: (text: string) => void printed.push(text),
    writeNote: (text: string) => void notes.push(text),
    now: () => 0,
    signal,
  };
  const read = async () => {
    const view = await readGroup(client, "db", { timeoutMs: 5_000, signal });
    begun.resolve();
    return describeView(view);
  };
  const start = () =>
    printChanges(context, { client, group: "db", read }, { follow: true, json: false }).catch(
      (error: unknown) => error,
    );
  return { etcd, client, context, read, stop, printed, notes, start, begun: begun.promise };
}

const has = (lines: readonly string[], count: number) =>
  vi.waitFor(() => expect(lines).toHaveLength(count), { timeout: 30_000 });

test("says that etcd does not answer, and what has changed when it does again", async () => {
  const { etcd, client, stop, printed, notes, start, begun } = follow();
  const [member] = etcd.members;
  const ended = start();
  await begun;
  const { id: lease } = await client.leaseGrant(600, { timeoutMs: 5_000 });
  etcd.store.put(keys.node("a"), "start", { lease });
  await has(printed, 1);
  member?.kill();
  await has(notes, 1);
  etcd.store.put(keys.node("a"), "ready", { lease });
  member?.start();
  await has(printed, 2);
  stop.abort("over");
  expect(await ended).toBe("over");
  expect(printed.map((line) => line.slice(22))).toEqual(["a: not there → start\n", "a: start → ready\n"]);
  expect(notes).toEqual([
    "msdha: etcd does not answer: what changes is shown when it does again\n",
    "msdha: etcd answers again\n",
  ]);
});

test("rejects where etcd does not answer at first, as it does without --follow", async () => {
  const { client, start } = follow();
  client.onAnswer = () => "reset";
  expect(await start()).toMatchObject({ code: "ERR_ETCD_UNAVAILABLE" });
});

test("dates no end whose time nobody knows, and leaves out none", async () => {
  const { etcd, context, client, printed, read } = follow();
  const term = { node: "a", run: "r", takenAfter: "wait" };
  const killed = { why: "its run ended without a trace", by: "next_run" };
  const stopped = { why: "asked to stop", by: "itself", at: 4_000 };
  const terms = [{ end: killed }, {}, { end: stopped }, {}];
  for (const [index, end] of terms.entries())
    etcd.store.put(keys.term(index + 1), JSON.stringify({ ...term, ...end, beganAt: index * 1_000 }));
  etcd.store.put(keys.details("a"), JSON.stringify({ address: "a", ttlSeconds: 3 }));
  await printChanges(context, { client, group: "db", read }, { follow: false, json: false });
  await printChanges(context, { client, group: "db", read }, { follow: false, json: true });
  const text = (line: string): string => `${line.slice(0, 20).trimEnd()} ${line.slice(22).trimEnd()}`;
  expect(printed.slice(0, 8).map(text)).toEqual([
    "1970-01-01T00:00:00Z a is the master (token 1), after the wait",
    "not known a's time as the master ended, nobody knows when: its run ended without a trace",
    "1970-01-01T00:00:01Z a is the master (token 2), after the wait",
    "not known a's time as the master ended, nobody knows when or why: its node has not run again since",
    "1970-01-01T00:00:02Z a is the master (token 3), after the wait",
    "1970-01-01T00:00:04Z a's time as the master ended: asked to stop",
    "1970-01-01T00:00:03Z a is the master (token 4), after the wait",
    "not known a's time as the master ended, nobody knows when or why: its node has not run again since",
  ]);
  expect(printed.slice(8).map((line) => (JSON.parse(line) as { at: string | null }).at)).toEqual([
    "1970-01-01T00:00:00.000Z",
    null,
    "1970-01-01T00:00:01.000Z",
    null,
    "1970-01-01T00:00:02.000Z",
    "1970-01-01T00:00:04.000Z",
    "1970-01-01T00:00:03.000Z",
    null,
  ]);
});
