import { spawn } from "node:child_process";
import { join } from "node:path";
import { execa } from "execa";
import { inject } from "vitest";
import { root } from "./images.ts";

declare module "vitest" {
  interface ProvidedContext {
    testRun: string;
  }
}

/** On every container, network and volume of these tests; its value tells the run. */
export const TEST_LABEL = "msdha.test";

const script = join(root, "script/lib/remove-leftovers");

export function testRun(): string {
  return inject("testRun");
}

/** The name of a run of these tests: the process that it belongs to, and when. */
export function nameRun(): string {
  return `${process.pid}-${Date.now()}`;
}

/** What Compose calls what it brings up for a run. */
export function composeProject(run: string): string {
  return `msdha-test-${run}`;
}

/** Removes what runs have left behind whose process is no more. */
export async function removeDeadRuns(): Promise<void> {
  await execa(script);
}

/** Removes every container, network and volume of a run, whatever became of the tests that made them. */
export async function removeLeftovers(run: string): Promise<void> {
  await execa(script, [run]);
}

/** Starts a process that does the same when a process has ended, however that ends. Disposing ends it. */
export function removeAfter(pid: number): Disposable {
  const watcher = spawn(script, ["--after", String(pid)], { detached: true, stdio: "ignore" });
  watcher.unref();
  return {
    [Symbol.dispose]: () => void watcher.kill("SIGKILL"),
  };
}
