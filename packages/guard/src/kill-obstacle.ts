import { readFileSync } from "node:fs";

/** Bits of a set of capabilities (capability.h). */
const CAP_KILL = 1n << 5n;
const CAP_SETUID = 1n << 7n;

/**
 * Returns why this process, and so its guard, could not kill everything that it may start: it can start programs as
 * another user (it is root, or has CAP_SETUID) but may not kill another user's (no CAP_KILL). Returns undefined if
 * there is no such reason. What a program does later is not foreseen: `Guard.survey` asks the kernel.
 */
export function findKillObstacle(
  status: string = readFileSync("/proc/self/status", "utf8"),
): string | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const user = Number(/^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1]);
  if ((effective & CAP_KILL) !== 0n) return undefined;
  if (user === 0) return "this is root without CAP_KILL, which can't kill what becomes another user's";
  if ((effective & CAP_SETUID) === 0n) return undefined;
  return `this is user ${user} with CAP_SETUID but without CAP_KILL, which can't kill what becomes another user's`;
}
