export type { Clock, SleepOptions } from "./clock.ts";
export { describeLeap } from "./describe-leap.ts";
export { createManualClock, type ManualClock } from "./manual-clock.ts";
export { notNeeded } from "./not-needed.ts";
export { createSuspendClock, type Leap, type SuspendClock } from "./suspend-clock.ts";
export { type SystemClock, systemClock } from "./system-clock.ts";
export { isTimeoutError, TimeoutError, withTimeout } from "./timeout.ts";
