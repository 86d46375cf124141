import { uptime } from "node:os";

/**
 * CLOCK_BOOTTIME in milliseconds, which the journal's times are on, to about 10 ms. A machine that is suspended
 * during a run is not allowed for.
 */
export function bootTime(): number {
  return monotonic() + offset;
}

const offset = uptime() * 1000 - monotonic();

function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
