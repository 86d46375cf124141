import { type Fault, masterOrAny, someTime } from "./fault.ts";

const HOUR_MS = 3_600_000;

/** Another program serves /proc/uptime (lxcfs), and it says something else than the kernel from now on. */
export const leapUptime: Fault = (group, random) => {
  const { longestTtlMs } = group.world.scenario;
  // The small one costs no lease where it counts.
  const ms = random.pick([HOUR_MS, someTime(group, random), longestTtlMs * random.between(0.2, 0.6)]);
  masterOrAny(group, random).leapUptime(random.chance(0.7) ? ms : -ms);
};

/** The supervisor's clock misses some time that the guard's does not. */
export const fallBehind: Fault = (group, random) =>
  masterOrAny(group, random).fallBehind(someTime(group, random));
