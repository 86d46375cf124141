import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import { describeKilled, endEverything } from "./end-everything.ts";
import type { Node } from "./node.ts";
import { startPart } from "./stop-time.ts";

function setUp({ keeps = false } = {}) {
  const clock = createManualClock();
  const did: string[] = [];
  const main = Promise.withResolvers<object>();
  const rest = Promise.withResolvers<void>();
  const at = (what: string): void => void did.push(`${clock.now()} ${what}`);
  const node = {
    clock,
    lease: { lost: new AbortController().signal },
    config: { stopSignal: "SIGINT" },
    main: { pid: 7, exited: main.promise, kill: (signal: string) => at(`${signal} to main`) },
    guard: {
      signalOrphans: (signal: string, { childrenOf = 0 } = {}) =>
        at(`${signal} to orphans, children of ${childrenOf}`),
      gone: () => rest.promise,
    },
    mayKeepSignal: () => keeps,
  } as unknown as Node;
  const part = startPart(node, () => 4_000, []);
  const ended = endEverything(node, part, () => 4_000).then(() => at("done"));
  return { clock, did, main, rest, ended };
}

test("asks what is left behind only when the main process has ended", async () => {
  const { clock, did, main, rest, ended } = setUp();
  await clock.advance(2_000);
  main.resolve({ code: 0, signal: null });
  await clock.advance(500);
  rest.resolve();
  await ended;
  expect(did).toEqual(["0 SIGINT to main", "2000 SIGINT to orphans, children of 0", "2500 done"]);
});

test.each([
  ["SIGTERM", { code: null, signal: "SIGKILL" }],
  ["SIGTERM", { code: null, signal: "SIGSEGV" }],
  ["SIGINT", { code: null, signal: "SIGINT" }],
  ["SIGINT", { code: 1, signal: null }],
])("sends %s to what a main process leaves behind that ended with %j", async (signal, exit) => {
  const { clock, did, main, rest, ended } = setUp();
  main.resolve(exit);
  await clock.advance(1);
  rest.resolve();
  await ended;
  expect(did).toContain(`0 ${signal} to orphans, children of 0`);
});

test("asks the children of a main process that may keep the signal after a quarter of the time", async () => {
  const { clock, did, main, rest, ended } = setUp({ keeps: true });
  await clock.advance(1_500);
  main.resolve({ code: 0, signal: null });
  rest.resolve();
  await ended;
  expect(did.slice(0, 2)).toEqual(["0 SIGINT to main", "1000 SIGINT to orphans, children of 7"]);
});

test("is done when its time is over, whatever is left", async () => {
  const { clock, did, ended } = setUp();
  await clock.advance(4_000);
  await ended;
  expect(did).toEqual(["0 SIGINT to main", "4000 done"]);
});

test("counts what had to be killed by name", () => {
  const some = ["postgres", "postgres", "sleep"].map((name, pid) => ({ pid, name }));
  expect(describeKilled({ killed: 3, someKilled: some })).toBe("postgres ×2, sleep");
  expect(describeKilled({ killed: 12, someKilled: some })).toBe("postgres ×2, sleep, 9 more");
});
