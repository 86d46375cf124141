import { createManualClock } from "@msdha/clock";
import type { Log } from "@msdha/log";
import { expect, it } from "vitest";
import { createWaitLog } from "./wait-log.ts";

it("writes one line for all that waited together, a second after the last", async () => {
  const clock = createManualClock();
  const lines: unknown[] = [];
  const log = { info: (fields: unknown) => lines.push(fields) } as unknown as Log;
  using waits = createWaitLog(log, clock);
  waits.waited({ outcome: "served", waitedMs: 700, ageMs: 700 });
  await clock.advance(600);
  waits.waited({ outcome: "served", waitedMs: 900, ageMs: 900 });
  waits.waited({ outcome: "in_vain", waitedMs: 40_000, ageMs: 40_000 });
  await clock.advance(999);
  expect(lines).toEqual([]);
  await clock.advance(1);
  expect(lines).toEqual([{ served: 2, inVain: 1, left: 0, longestMs: 40_000 }]);
  waits.waited({ outcome: "left", waitedMs: 10, ageMs: 10 });
  await clock.advance(1_000);
  expect(lines[1]).toEqual({ served: 0, inVain: 0, left: 1, longestMs: 10 });
});
