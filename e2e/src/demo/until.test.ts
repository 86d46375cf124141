import { expect, test } from "vitest";
import { until } from "./until.ts";

const what = "rain";

test("waits for as long as there is progress", async () => {
  let steps = 0;
  await until(() => steps > 10, {
    ...{ what, patienceMs: 200 },
    progress: () => {
      steps += 1;
      return String(steps);
    },
  });
  expect(steps).toBeGreaterThan(10);
});

test("says what it waited for, and how far that was, when nothing goes on", async () => {
  const waiting = until(() => false, { what, patienceMs: 100, progress: () => "n1 starts" });
  await expect(waiting).rejects.toThrow(/^waited 0 s in vain for rain: n1 starts$/);
});

test("does not go round in circles for ever", async () => {
  let turn = 0;
  const progress = (): string => String(++turn % 2);
  await expect(until(() => false, { what, patienceMs: 50, progress })).rejects.toThrow("not in sight");
});
