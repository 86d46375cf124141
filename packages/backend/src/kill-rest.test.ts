import { createManualClock } from "@msdha/clock";
import {
  GuardLostError,
  GuardPastDeadlineError,
  KillNotPermittedError,
  type KillReport,
  type SignalReport,
} from "@msdha/guard";
import { describe, expect, test } from "vitest";
import { killRest, type Rest } from "./kill-rest.ts";
import type { Node } from "./node.ts";

const nothing: KillReport = { killed: 0, someKilled: [] };
const denied = new KillNotPermittedError(1, []);

/** A node with something that may not be killed, until it is allowed or ends. */
function setUp() {
  const clock = createManualClock();
  const guardLost = new AbortController();
  const leaseLost = new AbortController();
  const gone = Promise.withResolvers<void>();
  let killAll = async (): Promise<KillReport> => {
    throw denied;
  };
  let signalAll = (): Promise<Pick<SignalReport, "denied">> => new Promise(() => {});
  const node = {
    clock,
    log: { warn: () => {}, error: () => {} },
    lease: { ttlMs: 3_000, lost: leaseLost.signal },
    guard: {
      lost: guardLost.signal,
      gone: () => gone.promise,
      killAll: () => killAll(),
      signalAll: () => signalAll(),
    },
  } as unknown as Node;
  let rest: Rest | undefined;
  const begin = async (): Promise<void> => {
    void killRest(node).then((found) => {
      rest = found;
    });
    await clock.advance(0);
  };
  return {
    clock,
    guardLost,
    leaseLost,
    begin,
    rest: () => rest,
    hang(confirm = signalAll) {
      killAll = () => new Promise(() => {});
      signalAll = confirm;
    },
    async end(answer: () => Promise<KillReport>) {
      killAll = answer;
      gone.resolve();
      await clock.advance(0);
    },
  };
}

test("waits for what may not be killed, and is done when it ends by itself", async () => {
  const { clock, begin, rest, end } = setUp();
  await begin();
  await clock.advance(200_000);
  expect(rest()).toBeUndefined();
  await end(async () => nothing);
  expect(rest()).toEqual({ gone: true, killed: 0, reached: true });
});

test("gives up when the lease is lost, as the lock is then", async () => {
  const { clock, begin, rest, leaseLost } = setUp();
  await begin();
  await clock.advance(5_000);
  leaseLost.abort(new Error("lost"));
  await clock.advance(0);
  expect(rest()).toEqual({ gone: false, killed: undefined, reached: false });
});

test.each(["before", "meanwhile"])(
  "waits also when the guard was lost %s, as the lease is kept",
  async (when) => {
    const { clock, begin, rest, end, guardLost } = setUp();
    if (when === "before") guardLost.abort(new GuardLostError("one of its processes died"));
    await begin();
    await clock.advance(5_000);
    guardLost.abort(new GuardLostError("one of its processes died"));
    await clock.advance(100_000);
    expect(rest()).toBeUndefined();
    await end(async () => nothing);
    expect(rest()).toEqual({ gone: true, killed: 0, reached: true });
  },
);

test("knows nothing where both processes of the guard have died before they could tell", async () => {
  const { clock, begin, rest, end, guardLost } = setUp();
  await begin();
  guardLost.abort(new GuardLostError("both of its processes died"));
  await clock.advance(5_000);
  await end(async () => {
    throw new GuardLostError("both of its processes died");
  });
  expect(rest()).toEqual({ gone: false, killed: undefined, reached: true });
});

describe("something is not gone in time", () => {
  const hung = { gone: false, killed: undefined, reached: true };
  const silent = (): Promise<never> => new Promise(() => {});

  test("and the node goes on without it if the guard confirms that it was sent SIGKILL", async () => {
    const { clock, begin, rest, hang } = setUp();
    hang(async () => ({ denied: 0 }));
    await begin();
    await clock.advance(3_000);
    expect(rest()).toEqual(hung);
  });

  test.each([
    ["may not kill it", async () => ({ denied: 1 })],
    ["does not answer", silent],
  ])("and the lock is kept if the guard %s", async (_, confirm) => {
    const { clock, begin, rest, hang, leaseLost } = setUp();
    hang(confirm);
    await begin();
    await clock.advance(200_000);
    expect(rest()).toBeUndefined();
    leaseLost.abort(new Error("lost"));
    await clock.advance(4_000);
    expect(rest()).toEqual({ gone: false, killed: undefined, reached: false });
  });

  test("and the lock is kept if the guard was lost in silence, but not if it kills at its deadline", async () => {
    for (const [reason, expected] of [
      [new GuardLostError("its inner process did not answer"), undefined],
      [new GuardPastDeadlineError(), hung],
    ] as const) {
      const { clock, begin, rest, hang, guardLost } = setUp();
      guardLost.abort(reason);
      hang(async () => ({ denied: 0 }));
      await begin();
      await clock.advance(10_000);
      expect(rest()).toEqual(expected);
    }
  });
});
