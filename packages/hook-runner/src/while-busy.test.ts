import type { Clock } from "@msdha/clock";
import { describe, expect, test } from "vitest";
import { LaunchFailedError } from "./launch.ts";
import { LONGEST_BUSY_MS, whileBusy } from "./while-busy.ts";

/** Time passes only in sleeps. */
function fakeClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    async sleep(ms) {
      now += ms;
    },
  };
}

describe("whileBusy()", () => {
  test.each(["ETXTBSY", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE"])("tries again after %s", async (errno) => {
    let tries = 0;
    const start = async (): Promise<string> => {
      tries += 1;
      if (tries < 4) throw new LaunchFailedError("not now", { errno });
      return "started";
    };
    expect(await whileBusy(start, { clock: fakeClock() })).toBe("started");
    expect(tries).toBe(4);
  });

  test("tries again after an error of Node's own", async () => {
    let tries = 0;
    const start = async (): Promise<string> => {
      tries += 1;
      if (tries < 2) throw Object.assign(new Error("spawn ETXTBSY"), { code: "ETXTBSY", errno: -26 });
      return "started";
    };
    expect(await whileBusy(start, { clock: fakeClock() })).toBe("started");
  });

  test("gives up with the last error when its patience is over", async () => {
    const clock = fakeClock();
    const failing = async (): Promise<never> => {
      throw new LaunchFailedError("not now", { errno: "EAGAIN" });
    };
    await expect(whileBusy(failing, { clock })).rejects.toThrow("not now");
    expect(clock.now()).toBe(LONGEST_BUSY_MS);
  });

  test("does not try again what will not change", async () => {
    let tries = 0;
    const failing = async (): Promise<never> => {
      tries += 1;
      throw new LaunchFailedError("never", { errno: "ENOEXEC" });
    };
    await expect(whileBusy(failing, { clock: fakeClock() })).rejects.toThrow("never");
    expect(tries).toBe(1);
  });
});
