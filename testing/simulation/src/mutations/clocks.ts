import { sleepBy } from "../world/supervisor-clock.ts";
import { withMany, withSlowNetwork } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";

export const uptimeBelieved: Mutation = {
  rule: "10: whatever /proc/uptime says counts, whether the kernel confirms it or not",
  noticedBy: "waitForTheFormer",
  collaborators: {
    clock: (kernel, { clock }) => ({
      now: clock.uptime,
      sleep: (ms, options) => sleepBy(clock.uptime, kernel, ms, options),
    }),
  },
  circumstances: (usual) => ({ ...withMany("leapUptime", "killContainer")(usual), faults: 40 }),
};

export const deadlineByOneClock: Mutation = {
  rule: "10: the kill time is sent as so long from now alone, by the supervisor's clock",
  noticedBy: "goneByKillTime",
  collaborators: { trustsSupervisorClock: true },
  circumstances: (usual) => withSlowNetwork({ ...withMany("fallBehind", "partition")(usual), trouble: 1 }),
};
