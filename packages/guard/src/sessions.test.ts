import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { findSessions } from "./sessions.ts";

/** Resolves with the pids of a shell that leads a session, and of a child of it. */
async function startSession(): Promise<{ leader: number; child: number; end: () => Promise<void> }> {
  const shell = spawn("sh", ["-c", "sleep 100 & echo $!; wait"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(shell.stdout, "data");
  const leader = shell.pid ?? 0;
  const end = async (): Promise<void> => {
    const exited = once(shell, "exit");
    process.kill(-leader, "SIGKILL");
    await exited;
  };
  return { leader, child: Number(line), end };
}

test("finds what is in a session, and asks no more for one that has ended", async () => {
  const one = await startSession();
  const other = await startSession();
  const both = await findSessions([one.leader, other.leader]);
  expect([...both.pids].sort()).toEqual([one.leader, one.child, other.leader, other.child].sort());
  expect([...both.leaders].sort()).toEqual([one.leader, other.leader].sort());
  await one.end();
  await expect.poll(() => findSessions(both.leaders)).toMatchObject({ leaders: [other.leader] });
  await other.end();
  await expect.poll(() => findSessions([other.leader])).toEqual({ leaders: [], pids: [] });
});

test("finds nothing for nobody", async () => {
  expect(await findSessions([])).toEqual({ leaders: [], pids: [] });
});
