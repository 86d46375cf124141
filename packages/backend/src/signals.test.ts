import { expect, test } from "vitest";
import { stopOnSignals } from "./signals.ts";

function setUp({ terminal }: { readonly terminal: boolean }) {
  let time = 100;
  const handlers = new Map<string, () => void>();
  const repeated: string[] = [];
  const { stop, haste } = stopOnSignals({
    now: () => time,
    terminal,
    onRepeat: (signal) => repeated.push(signal),
    on: (signal, act) => void handlers.set(signal, act),
  });
  return {
    stop,
    haste,
    repeated,
    send(signal: NodeJS.Signals, afterMs: number) {
      time += afterMs;
      handlers.get(signal)?.();
    },
  };
}

test.each([0, 50, 1_000, 60_000])("a second SIGTERM after %d ms hastens nothing", (afterMs) => {
  const it = setUp({ terminal: true });
  it.send("SIGTERM", 0);
  it.send("SIGTERM", afterMs);
  expect(String(it.stop.reason)).toContain("asked to stop by SIGTERM");
  expect([it.haste.aborted, it.repeated]).toEqual([false, ["SIGTERM"]]);
});

test.each([
  [true, 1_000, true],
  [true, 999, false],
  [false, 60_000, false],
])("a second SIGINT, from a terminal: %s, after %d ms, hastens: %s", (terminal, afterMs, hastens) => {
  const it = setUp({ terminal });
  it.send("SIGINT", 0);
  it.send("SIGINT", afterMs);
  expect(it.haste.aborted).toBe(hastens);
});

test("a SIGINT that follows a SIGTERM from elsewhere may hasten too", () => {
  const it = setUp({ terminal: true });
  it.send("SIGTERM", 0);
  it.send("SIGINT", 2_000);
  expect(it.haste.aborted).toBe(true);
});

test("signals for the program do not stop the node", () => {
  const it = setUp({ terminal: true });
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) it.send(signal, 0);
  expect(it.stop.aborted).toBe(false);
});
