import { expect, it } from "vitest";
import { joinJournal, layOut } from "./lanes.ts";
import type { PageEntry } from "./protocol.ts";

const entries: PageEntry[] = [
  { kind: "node", at: 1, node: "a", state: "master" },
  { kind: "route", at: 2, route: "serve", master: "a", cut: false },
  { kind: "node", at: 5, node: "a", state: "" },
  { kind: "route", at: 5, route: "none", master: "", cut: true },
];

it("makes a span of each state, the last of which goes on", () => {
  const { nodes, clients, cuts } = layOut(entries, 1);
  expect(nodes.get("a")).toMatchObject([
    { from: 1, to: 5, look: { class: "master" } },
    { from: 5, to: Number.POSITIVE_INFINITY, look: { class: "gone" } },
  ]);
  expect(clients).toMatchObject([
    { from: 2, to: 5 },
    { from: 5, look: { class: "waiting" } },
  ]);
  expect(cuts).toEqual([5]);
});

it("tells what happened in words, the newest first", () => {
  const { events } = layOut(entries, 1);
  expect(events.map(({ subject, look }) => `${subject}: ${look.words}`)).toEqual([
    "clients: sessions cut",
    "clients: all wait",
    "a: gone",
    "clients: served by a",
    "a: master",
  ]);
});

it("draws waits that overlap in rows of their own", () => {
  const wait = (at: number, waitedMs: number): PageEntry => ({
    kind: "wait",
    at,
    waitedMs,
    outcome: "served",
  });
  const { waits } = layOut([wait(30, 10), wait(0, 20), wait(10, 20)], 0);
  expect(waits.map(({ from, to, row }) => [from, to, row])).toEqual([
    [0, 20, 0],
    [10, 30, 1],
    [30, 40, 0],
  ]);
});

it("forgets what it knew when it is told all, and else joins what is new", () => {
  const [first, ...others] = entries;
  const known = first ? [first] : [];
  expect(joinJournal(known, { whole: false, since: 0, entries: others })).toEqual(entries);
  expect(joinJournal(entries, { whole: true, since: 0, entries: known })).toEqual(known);
});
