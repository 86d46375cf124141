import { createManualClock, systemClock, withTimeout } from "@msdha/clock";

const began = systemClock.now();
await systemClock.sleep(10);
console.log("slept for", systemClock.now() - began >= 10 ? "10 ms or more" : "too short a time");

const never = new Promise<void>(() => {});
await withTimeout(systemClock, 10, () => never).catch((error) => console.log(error.message));

const clock = createManualClock();
void clock.sleep(86_400_000).then(() => console.log("a day later"));
await clock.advance(86_400_000);
