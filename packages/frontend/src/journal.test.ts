import { expect, it } from "vitest";
import { createJournal } from "./journal.ts";

const MINUTE = 60_000;

it("keeps an hour, and says what was so at its beginning", () => {
  let now = 0;
  const journal = createJournal(() => now);
  journal.add({ kind: "node", at: 0, node: "a", state: "ready" });
  journal.add({ kind: "node", at: 1, node: "b", state: "ready" });
  journal.add({ kind: "route", at: 2, route: "serve", master: "a", cut: true });
  now = 10 * MINUTE;
  journal.add({ kind: "node", at: now, node: "b", state: "" });
  now = 65 * MINUTE;
  journal.add({ kind: "node", at: now, node: "a", state: "master" });
  expect(journal.whole()).toEqual({
    whole: true,
    since: 5 * MINUTE,
    entries: [
      { kind: "node", at: 5 * MINUTE, node: "a", state: "ready" },
      { kind: "node", at: 5 * MINUTE, node: "b", state: "ready" },
      { kind: "route", at: 5 * MINUTE, route: "serve", master: "a", cut: false },
      { kind: "node", at: 10 * MINUTE, node: "b", state: "" },
      { kind: "node", at: 65 * MINUTE, node: "a", state: "master" },
    ],
  });
  now = 80 * MINUTE;
  expect(journal.whole().entries.filter(({ kind }) => kind === "node")).toEqual([
    { kind: "node", at: 20 * MINUTE, node: "a", state: "ready" },
    { kind: "node", at: 65 * MINUTE, node: "a", state: "master" },
  ]);
});

it("keeps no more than some thousand entries, and knows from when on they are whole", () => {
  const journal = createJournal(() => 0);
  for (let at = 0; at < 20_000; at++) {
    journal.add({ kind: "node", at, node: "a", state: `s${at}` });
    journal.add({ kind: "wait", at, waitedMs: 1, outcome: "served" });
  }
  const { entries, since } = journal.whole();
  expect(entries.filter(({ kind }) => kind === "wait")).toHaveLength(1_000);
  expect(since).toBe(15_999);
  expect(entries[0]).toEqual({ kind: "node", at: 15_999, node: "a", state: "s15999" });
});
