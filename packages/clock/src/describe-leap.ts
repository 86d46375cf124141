import type { Leap } from "./suspend-clock.ts";

/** Returns a line for the log that says what a leap was, and whether it counts. */
export function describeLeap({ ms, counted }: Leap): string {
  const what = `the machine's uptime leapt by ${Math.round(ms)} ms`;
  if (counted > 0) return `${what}: it was suspended for ${Math.round(counted)} ms, which count`;
  return `${what}, but the kernel says that it was not suspended: not counted. Another program may serve /proc/uptime (lxcfs)`;
}
