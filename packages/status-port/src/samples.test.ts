import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createSamples } from "./samples.ts";

test("a sample is what it was set to last, also a counter", async () => {
  const registry = new Registry();
  const { gauge, counter } = createSamples(registry, "app");
  const state = gauge("state", "The state", ["state"]);
  const restarts = counter("restarts", "Restarts");
  state.set({ state: "up" }, 1);
  for (const total of [3, 5, 4]) restarts(total);
  const text = await registry.metrics();
  expect(text).toContain('app_state{state="up"} 1');
  expect(text).toContain("# TYPE app_restarts_total counter\napp_restarts_total 4\n");
});
