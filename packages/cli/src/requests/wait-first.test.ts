import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { waitFirst } from "./wait-first.ts";

test("waits for longer than a timer of Node can, until the command is ended", async () => {
  const stop = new AbortController();
  const waiting = waitFirst({ writeNote: () => {}, signal: stop.signal }, 30 * 86_400_000);
  await Promise.race([waiting, sleep(50)]);
  stop.abort(new Error("ended by SIGINT"));
  await expect(waiting).rejects.toMatchObject({
    exitCode: 1,
    message: "the switchover is called off: nothing was changed",
  });
});
