import { describe, expect, test } from "vitest";
import { listPossibleLosses } from "./possible-losses.ts";
import type { AnswerEntry, GroupView } from "./view.ts";

const ROUND = 40;
const FORMER_ROUND = 10;

type View = Pick<GroupView, "nodes" | "answers" | "announced" | "election" | "lastMaster">;

interface Node {
  /** Its lease; 1 unless it came back with another. */
  readonly lease?: string;
  readonly answer?: { readonly round: number; readonly may?: boolean; readonly rank?: bigint };
}

/** A group after an election, with these nodes ready. */
function viewOf(nodes: Readonly<Record<string, Node>>, rest: Partial<View> = {}): View {
  const answers = Object.entries(nodes).flatMap(([name, { answer }]) =>
    answer ? [[name, { may: true, lease: "1", ...answer } as AnswerEntry] as const] : [],
  );
  return {
    nodes: new Map(
      Object.entries(nodes).map(([name, { lease = "1" }]) => [
        name,
        { state: "ready", lease, modRevision: 1 },
      ]),
    ),
    answers: new Map(answers),
    announced: new Map(answers.flatMap(([name, { rank }]) => (rank === undefined ? [] : [[name, rank]]))),
    election: { round: ROUND, lease: "1" },
    lastMaster: undefined,
    ...rest,
  };
}

const losers = (view: View, masterStopped = false): readonly string[] =>
  listPossibleLosses(view, { self: "a", masterStopped }).map(({ of }) => of);

describe("listPossibleLosses", () => {
  test("lists nobody where all take part", () => {
    expect(
      losers(
        viewOf({ a: { answer: { round: ROUND, rank: 7n } }, b: { answer: { round: ROUND, rank: 7n } } }),
      ),
    ).toEqual([]);
  });

  test("does not list participants before the node's own answer is in its view", () => {
    const b = { answer: { round: ROUND, rank: 7n } };
    expect(losers(viewOf({ a: {}, b }, { lastMaster: "b" }))).toEqual([]);
    expect(losers(viewOf({ a: { answer: { round: FORMER_ROUND, rank: 9n } }, b }))).toEqual([]);
  });

  test("lists who said a higher rank and is gone, unwilling, or did not answer this time", () => {
    const a = { answer: { round: ROUND, rank: 7n } };
    expect(losers(viewOf({ a }, { announced: new Map([["b", 8n]]) }))).toEqual(["b"]);
    expect(losers(viewOf({ a }, { announced: new Map([["b", 7n]]) }))).toEqual([]);
    expect(losers(viewOf({ a, b: { answer: { round: ROUND, may: false, rank: 8n } } }))).toEqual(["b"]);
    expect(losers(viewOf({ a, b: { answer: { round: FORMER_ROUND, rank: 8n } } }))).toEqual(["b"]);
  });

  test("lists the last master unless it stopped in peace or takes part with the lease that it has now", () => {
    const a = { answer: { round: ROUND, rank: 7n } };
    const b = { answer: { round: ROUND, rank: 7n } };
    expect(losers(viewOf({ a }, { lastMaster: "b" }))).toEqual(["b"]);
    expect(losers(viewOf({ a }, { lastMaster: "b" }), true)).toEqual([]);
    expect(losers(viewOf({ a }, { lastMaster: "a" }))).toEqual([]);
    expect(losers(viewOf({ a, b }, { lastMaster: "b" }))).toEqual([]);
    expect(losers(viewOf({ a, b: { ...b, lease: "2" } }, { lastMaster: "b" }))).toEqual(["b"]);
  });
});
