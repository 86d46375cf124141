import { createManualClock } from "@msdha/clock";
import { expect, it } from "vitest";
import { countWithoutMaster } from "./without-master.ts";

it("counts from the start, and whenever connections do not go to a master", async () => {
  const clock = createManualClock();
  const count = countWithoutMaster(clock);
  const master = { name: "a", since: 0 };
  await clock.advance(100);
  expect(count.totalMs).toBe(100);
  count.routed({ kind: "serve", token: 7, address: "10.0.0.1", master });
  await clock.advance(1_000);
  expect(count.totalMs).toBe(100);
  count.routed({ kind: "drain", token: 7 });
  await clock.advance(10);
  count.routed({ kind: "none" });
  await clock.advance(5);
  expect(count.totalMs).toBe(115);
  count.routed({ kind: "serve", token: 9, address: "10.0.0.1", master });
  await clock.advance(1_000);
  expect(count.totalMs).toBe(115);
});
