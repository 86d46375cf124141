import type { Guard } from "@msdha/guard";

/** Everything of a guard; its signal is read anew each time. */
export function keepGuard(guard: Guard): Guard {
  return {
    get lost() {
      return guard.lost;
    },
    get alive() {
      return guard.alive;
    },
    setDeadline: guard.setDeadline,
    spawn: guard.spawn,
    signalAll: guard.signalAll,
    signalOrphans: guard.signalOrphans,
    survey: guard.survey,
    withdrawAtKill: guard.withdrawAtKill,
    killAll: guard.killAll,
    gone: guard.gone,
    [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose](),
  };
}
