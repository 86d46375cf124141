import { expect, test } from "vitest";
import config from "../../vitest.config.ts";

// Vitest refuses to run them together else, as script/repeat does, and runs none of them.
test("projects that may run beside each other have the same number of workers", () => {
  const workers = new Map<number, Set<unknown>>();
  for (const project of config.test?.projects ?? []) {
    if (typeof project !== "object" || !("test" in project)) throw new Error("a project without settings");
    const { maxWorkers, sequence } = project.test ?? {};
    const order = sequence?.groupOrder ?? 0;
    workers.set(order, (workers.get(order) ?? new Set()).add(maxWorkers));
  }
  expect(workers.size).toBeGreaterThan(1);
  for (const numbers of workers.values()) expect(numbers.size).toBe(1);
});
