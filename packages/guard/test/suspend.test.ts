import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { systemClock } from "@msdha/clock";
import { waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { openChannel } from "../src/channel.ts";
import { guardBinary } from "../src/index.ts";
import { encodeDeadline, type Report } from "../src/protocol.ts";
import { buildGuard, mark, program, startSupervisor } from "./support.ts";
import { findObstacle, SUSPENDED_MS, suspended } from "./time-namespace.ts";

beforeAll(buildGuard);

const obstacle = findObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";
/** The boot-time clock is told to 10 ms, and the machine may be busy. */
const SLACK_MS = 400;

/** The boot-time clock within the namespace. */
function now(): number {
  return systemClock.now() + SUSPENDED_MS;
}

describe(`on a machine that has been suspended${because}`, { skip: obstacle !== undefined }, () => {
  test("either process of the guard goes by the boot-time clock, not by the monotonic one", async () => {
    const [file = "", ...args] = suspended;
    const guard = spawn(file, [...args, guardBinary()], {
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] },
    });
    const ended = once(guard, "exit");
    const reports: Report[] = [];
    const channels = [3, 4].map((fd) =>
      openChannel(guard.stdio[fd] as Socket, (report) => reports.push(report), {
        now,
        onReading: () => {},
      }),
    );
    const told = (type: Report["type"]): Promise<unknown> =>
      waitFor(() => reports.filter((report) => report.type === type).length === 2, {
        what: `two of ${type}`,
      });
    await told("hello");
    for (const report of reports) {
      if (report.type === "hello") expect(Math.abs(report.now - now())).toBeLessThan(SLACK_MS);
    }
    const at = now() + 500;
    for (const channel of channels)
      void channel.request("deadline", (request) =>
        encodeDeadline(request, { at, in: Number.MAX_SAFE_INTEGER }),
      );
    await told("ack");
    expect(now()).toBeLessThan(at);
    await told("folding");
    const why = reports.flatMap((report) => (report.type === "folding" ? report.why : []));
    expect(why).toEqual(["deadline", "deadline"]);
    expect(now()).toBeGreaterThanOrEqual(at - 10);
    expect(now()).toBeLessThan(at + SLACK_MS);
    for (const channel of channels) channel.end();
    await ended;
  });

  test("everything is killed at the deadline, though the supervisor is stuck", async () => {
    using marked = mark();
    await using supervisor = startSupervisor(
      {
        spawn: [["perl", program("daemon.pl"), "sleep", "60"]],
        deadlineMs: 2_000,
        next: "block",
        blockMs: 60_000,
      },
      marked,
      { within: suspended },
    );
    const deadline = Number((await supervisor.event("ready"))["deadline"]);
    expect(Math.abs(deadline - now()), "its clock is the namespace's").toBeLessThan(5_000);
    await waitFor(() => marked.alive().length > 0, { what: "the daemon", intervalMs: 2 });
    await waitFor(() => marked.alive().length === 0, { what: "its end", intervalMs: 2 });
    expect(now()).toBeGreaterThanOrEqual(deadline - 15);
    expect(now()).toBeLessThan(deadline + SLACK_MS);
  });
});
