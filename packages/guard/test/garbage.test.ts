import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { guardBinary } from "../src/index.ts";
import { encodeRequest, encodeSpawn, encodeWithdraw } from "../src/protocol.ts";
import { buildGuard, mark } from "./support.ts";

beforeAll(buildGuard);

/** Talks to a guard without the handle; resolves with what it ended with. */
async function tell(which: 3 | 4, ...frames: readonly Uint8Array[]): Promise<unknown[]> {
  const guard = spawn(guardBinary(), [], {
    stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
    env: {},
  });
  const ended = once(guard, "exit");
  const sockets = [guard.stdio[3] as Socket, guard.stdio[4] as Socket];
  for (const socket of sockets) {
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      if (chunk.includes(Buffer.from([2, 0, 0, 0, 9]))) for (const each of sockets) each.end();
    });
    socket.on("end", () => socket.end());
  }
  for (const frame of frames) (guard.stdio[which] as Socket).write(frame);
  return await ended;
}

function framed(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  return Buffer.concat([length, payload]);
}

describe("a guard that gets what it cannot read kills everything and ends in order", () => {
  const spawning = encodeSpawn({ id: 1, piped: false, cwd: "/", file: "sleep", args: ["60"], env: {} });
  const cases: { title: string; which: 3 | 4; frames: Uint8Array[] }[] = [
    { title: "an unknown command", which: 3, frames: [framed(Buffer.from([99]))] },
    { title: "an empty frame", which: 3, frames: [framed(Buffer.alloc(0))] },
    { title: "a frame that is too long", which: 4, frames: [Buffer.from([255, 255, 255, 255, 1])] },
    { title: "a start at the process that starts nothing", which: 4, frames: [spawning] },
    { title: "a kill at the process that starts nothing", which: 4, frames: [encodeRequest("killAll", 1)] },
    { title: "a start that is cut short", which: 3, frames: [framed(spawning.subarray(4, 20))] },
    { title: "a deadline that is cut short", which: 4, frames: [framed(Buffer.from([3, 1, 0, 0, 0, 1]))] },
    { title: "a ping that is too long", which: 3, frames: [framed(Buffer.from([6, 1, 0, 0, 0, 0]))] },
    { title: "a file to withdraw that is no path", which: 4, frames: [encodeWithdraw(1, ["is_master"])] },
    {
      title: "a command that makes no sense with one behind it that does, in one write",
      which: 3,
      frames: [Buffer.concat([framed(Buffer.from([99])), encodeRequest("ping", 1)])],
    },
  ];

  test.each(cases)("$title", async ({ which, frames }) => {
    using marked = mark();
    const good = encodeSpawn({ id: 7, piped: false, cwd: "/", file: "sleep", args: ["60"], env: marked.env });
    expect(await tell(which, ...(which === 3 ? [good] : []), ...frames)).toEqual([0, null]);
    expect(marked.alive()).toEqual([]);
  });

  test("anything at all", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom<3 | 4>(3, 4),
        async (bytes, which) => {
          const nonsense = framed(Buffer.from([77]));
          expect(await tell(which, framed(bytes.length > 0 ? bytes : Buffer.from([0])), nonsense)).toEqual([
            0,
            null,
          ]);
        },
      ),
      { numRuns: 30 },
    );
  });
});
