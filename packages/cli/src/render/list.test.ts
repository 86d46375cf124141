import { stripVTControlCharacters } from "node:util";
import type { Ask, GroupStatus, NodeStatus, Term } from "@msdha/group";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { renderHistory } from "./history.ts";
import { type ListedGroup, renderList } from "./list.ts";
import { createStyle } from "./style.ts";

const NOW = Date.UTC(2026, 0, 10);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function node(name: string, state: string, more: Partial<NodeStatus> = {}): NodeStatus {
  return {
    name,
    state,
    isMaster: state === "master",
    since: NOW - HOUR,
    address: `10.0.0.${name.length}`,
    ttlSeconds: 10,
    asks: 1,
    run: "r",
    hold: undefined,
    promotion: undefined,
    report: undefined,
    ...more,
  };
}

const hold: Ask = {
  kind: "hold",
  node: "four",
  revision: 9,
  lease: "0",
  by: "eve@desk",
  why: "disk swap",
  at: 0,
  until: NOW + 58 * 60_000,
  token: undefined,
  to: undefined,
  run: undefined,
  accepted: false,
};
const last: Term = {
  token: 8_812,
  node: "two",
  run: "r",
  beganAt: NOW - 3 * DAY - 4 * HOUR,
  takenAfter: "wait",
  gapMs: 28_400,
};
const before: Term = {
  ...{ token: 8_000, node: "one", run: "q", beganAt: NOW - 9 * DAY, takenAfter: "handover" },
  end: { why: "the lease was not proved within its time to live", at: NOW - 3 * DAY, by: "next_run" },
};
const status: GroupStatus = {
  revision: 9,
  master: { kind: "master", name: "two", address: "10.0.0.2", token: 8_812 },
  holder: undefined,
  nodes: [
    node("four", "ready", { hold }),
    node("one", "ready", { since: NOW - 2 * DAY }),
    node("three", "running_not_ready", { since: NOW - 12_000 }),
    node("two", "master", { since: NOW - 3 * DAY }),
  ],
  ttlSeconds: 10,
  pause: undefined,
  switchover: undefined,
  terms: [last, before],
  frontends: [],
};

function show(of: ListedGroup, width: number, colourful = false): readonly string[] {
  const etcd = { reached: 3, total: 3 };
  return renderList(of, { group: "db", now: NOW, width, style: createStyle(colourful), etcd });
}

test("shows a group in 200 columns", () => {
  expect(show(status, 200)).toEqual([
    "db   master two · 3 d 4 h · token 8812 · TTL 10 s · etcd 3/3",
    "  NODE   STATE              SINCE  ADDRESS   NOTE",
    '○ four   ready, held        1 h    10.0.0.4  "disk swap" by eve@desk, 58 min left',
    "● one    ready              2 d    10.0.0.3  next",
    "◐ three  running_not_ready  12 s   10.0.0.5",
    "● two    master             3 d    10.0.0.3",
    "last: 3 d ago  one → two, the lease was not proved within its time to live, 28.4 s without a master",
  ]);
});

test("shows who holds a node back where nobody said why", () => {
  const nodes = [node("four", "ready", { hold: { ...hold, why: "" } })];
  expect(show({ ...status, nodes }, 200)[2]).toMatch(/10\.0\.0\.4 {2}by eve@desk, 58 min left$/);
});

test("shows holds of nodes that are not there, as long as they hold", () => {
  const absentHolds = [
    { ...hold, node: "five" },
    { ...hold, node: "six", until: NOW - 1 },
  ];
  const lines = show({ ...status, absentHolds }, 200);
  expect(lines).toContain(
    '▲ five, which is not here, is held back, "disk swap" by eve@desk, 58 min left; msdha release five',
  );
  expect(lines.join("\n")).not.toContain("six");
});

test("shows how far nodes are behind, and what they say of themselves", () => {
  const nodes = [
    node("one", "ready", { report: { behind: 0, note: "" } }),
    node("three", "running_not_ready", {
      report: { behind: 1_288_490_188, note: "cloning 71 %\u001b[2J" },
    }),
    node("two", "master", { report: { behind: 0, note: "archives" } }),
    node("four", "ready"),
  ];
  expect(show({ ...status, nodes }, 200).slice(1, -1)).toEqual([
    "  NODE   STATE              SINCE  ADDRESS   BEHIND  NOTE",
    "● one    ready              1 h    10.0.0.3  0 B     next by rank",
    "◐ three  running_not_ready  1 h    10.0.0.5  1.2 GB  cloning 71 %\\x1b[2J",
    "● two    master             1 h    10.0.0.3  –       archives",
    "● four   ready              1 h    10.0.0.4  –",
  ]);
});

test("says which node is ordered to become the master", () => {
  const promotion = { ...hold, kind: "promote", node: "one", until: undefined, why: "two is burnt" } as const;
  const nodes = [node("one", "ready", { promotion }), node("three", "ready")];
  expect(show({ ...status, nodes }, 200)[1]).toBe(
    '▲ one is ordered to become the master, whatever is lost, "two is burnt" by eve@desk',
  );
});

test("shows a switchover of the present master, and none that an earlier one has left", () => {
  const ask: Ask = { ...hold, kind: "switchover", node: undefined, to: "one" };
  const text = (token: number): string => show({ ...status, switchover: { ...ask, token } }, 200).join("\n");
  expect(text(8_812)).toContain("a switchover to one is asked for");
  expect(text(8_000)).not.toContain("switchover to one");
});

test("says about how long nobody was master where no node measured it", () => {
  const ended = (at: number): Term => ({ ...before, end: { why: "lost", at, by: "next_run" } });
  const after = (earlier: Term): readonly string[] => {
    const { gapMs: _, ...unmeasured } = last;
    const terms = [unmeasured, earlier];
    const history = renderHistory(
      { ...status, terms },
      { now: NOW, width: 250, style: createStyle(false), count: 1 },
    );
    return [show({ ...status, terms }, 200).at(-1) ?? "", history[1] ?? ""];
  };
  for (const line of after(ended(last.beganAt - 9_400))) expect(line).toContain("about 9 s");
  for (const line of after(ended(last.beganAt - 40))) expect(line).toContain("about 1 s");
  // The clocks of the two nodes differ by more than that.
  expect(after(ended(last.beganAt + 40))[0]).toMatch(/one → two, lost$/);
  expect(after(ended(last.beganAt + 40))[1]).toContain("not known");
});

describe.each([40, 60, 80, 200])("in %i columns", (width) => {
  test("no line is wider, and the states can be read", () => {
    const lines = show(status, width);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    expect(lines.join("\n")).toMatch(/two .*master/);
    expect(lines.join("\n")).toMatch(/three .*running_not/);
  });

  test("nothing is cut of a warning, of why the last master ended, and of how any did", () => {
    const why = "move of rack 7 to the other side of the hall, with all that hangs on it";
    const words = (lines: readonly string[]): string => lines.join(" ").replace(/\s+/g, " ");
    const pause: Ask = { ...hold, kind: "pause", node: undefined, why };
    const ended = {
      ...before,
      end: { why: `asked to stop: switchover to two: ${why}`, by: "itself" as const },
    };
    const shown = words(show({ ...status, pause, terms: [last, ended] }, width));
    expect(shown).toContain(`"${why}" by eve@desk, 58 min left; msdha resume ends it`);
    expect(shown).toContain(`switchover to two: ${why}, 28.4 s without a master`);
    const lost = { ...last, losses: why };
    const history = renderHistory(
      { ...status, terms: [lost, ended] },
      { now: NOW, width, style: createStyle(false), count: 9 },
    );
    for (const line of history) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    expect(words(history)).toContain(`ended: asked to stop: switchover to two: ${why}`);
    expect(words(history)).toContain(`after the wait; may have lost data: ${why}; is master now`);
  });

  test("wide letters and long names do not break it", () => {
    const nodes = [node("データベース一号機の長い名前です", "ready"), node("n".repeat(253), "master")];
    for (const line of show({ ...status, nodes }, width)) {
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }
    for (const line of renderHistory(status, { now: NOW, width, style: createStyle(false), count: 9 })) {
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }
  });
});

test("nothing that somebody wrote into etcd reaches a terminal as a control character", () => {
  const evil = "\u001b[2J\u001b]0;title\u0007\r\n\u202egnol\u0000\u009b31m";
  const nasty: GroupStatus = {
    ...status,
    pause: { ...hold, kind: "pause", node: undefined, why: evil, by: evil },
    switchover: { ...hold, kind: "switchover", to: evil },
    nodes: [node("a", "ready", { address: evil, hold: { ...hold, why: evil, by: evil } })],
    terms: [
      { ...last, node: evil, from: evil, losses: evil },
      { ...before, node: evil, end: { why: evil, by: "itself" } },
    ],
  };
  const options = { now: NOW, width: 400, style: createStyle(false), count: 9 };
  for (const line of [...show(nasty, 400), ...renderHistory(nasty, options)]) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
});

test("colours add nothing but colour", () => {
  expect(show(status, 80, true).map(stripVTControlCharacters)).toEqual(show(status, 80));
  expect(show(status, 80, true).join("")).toContain("\u001b[");
});

test.each<[string, Partial<GroupStatus>, RegExp]>([
  [
    "a group without nodes",
    { nodes: [], master: { kind: "none" }, terms: [] },
    /no node has joined this group/,
  ],
  [
    "a master that stops",
    { master: { kind: "stopping", token: 8_812 }, holder: "two" },
    /no master: two is stopping/,
  ],
  [
    "a node that waits",
    { master: { kind: "none" }, holder: "one" },
    /no master: one has the lock .*\n▲ one has the lock, and waits until the old master is gone for certain\n {2}→ wait for 2 TTLs, 20 s at most/,
  ],
  [
    "a pause",
    { pause: { ...hold, kind: "pause", node: undefined } },
    /paused: no node will take over, "disk swap".*58 min left/,
  ],
  [
    "a pause without an end",
    { pause: { ...hold, kind: "pause", until: undefined } },
    /without an end; msdha resume/,
  ],
  [
    "an older node",
    { nodes: [node("one", "ready", { asks: 0 })] },
    /an older version, which takes no requests/,
  ],
  [
    "a key that says master without the lock",
    { nodes: [node("one", "master", { isMaster: false })] },
    /says it is master, but does not hold the lock; it is ending/,
  ],
  [
    "what a promotion may have lost",
    { terms: [{ ...last, losses: "of one: it was ahead" }, before] },
    /may have lost data: of one/,
  ],
  [
    "an end that is not known",
    { terms: [last, { ...before, end: undefined }] },
    /one → two, not known: its node has not run again/,
  ],
  [
    "that nobody takes the lock",
    { master: { kind: "none" }, nodes: [node("one", "ready"), node("four", "ready")] },
    /▲ no ready node takes the lock: .* \(one, four\), and two, the last master, is not here\n {2}→ .*start two/,
  ],
  [
    "how the last master ended where nodes are gone, too",
    {
      nodes: [],
      master: { kind: "none" },
      terms: [{ ...last, end: { why: "hook master ended with code 4", at: NOW - HOUR, by: "itself" } }],
    },
    /▲ no node is here, and two was the last master[\s\S]*last: two was master until 1 h ago: hook master ended with code 4/,
  ],
  [
    "when a master began whose end is not known",
    { master: { kind: "none" }, terms: [last] },
    /last: two became master 3 d ago, and is not any more: not known: its node has not run again/,
  ],
])("says %s", (_what, change, text) => {
  expect(show({ ...status, ...change }, 200).join("\n")).toMatch(text);
});

test("the history lists when each master began and ended", () => {
  const lines = renderHistory(status, { now: NOW, width: 250, style: createStyle(false), count: 9 });
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(
    /^2026-01-06T20:00:00Z {2}two +3 d 4 h +28.4 s +after the wait +is master now +8812$/,
  );
  expect(lines[2]).toMatch(/one +6 d +not known +by a hand-over +the lease was not proved.* 8000$/);

  const notes = new Map([[8812, "lost 40 kB of the log that one had"]]);
  const noted = renderHistory(status, { now: NOW, width: 250, style: createStyle(false), count: 9, notes });
  expect(noted).toEqual([...lines.slice(0, 2), "  └ lost 40 kB of the log that one had", lines[2]]);
});

test("tells of new data that are asked for, also of a node that is not there, and of keys that no node wrote", () => {
  const reinit: Ask = { ...hold, kind: "reinit", node: "one", at: NOW - 2 * HOUR, until: undefined };
  const reinits = [reinit, { ...reinit, node: "gone", why: "" }];
  const strays = [{ name: "hand", state: "ready", key: "/msdha/db/hand" }];
  const lines = show({ ...status, reinits, strays }, 200);
  expect(lines[1]).toBe(
    "▲ gone, which is not here, begins with new data when it comes: reinit asked for 2 h ago, by eve@desk; msdha reinit gone --cancel takes that back",
  );
  expect(lines[2]).toBe("▲ hand (ready) is no node: its key has no lease; etcdctl del /msdha/db/hand");
  expect(lines.find((line) => line.includes(" one "))).toMatch(
    /reinit asked for 2 h ago, "disk swap" by eve@desk/,
  );
});
