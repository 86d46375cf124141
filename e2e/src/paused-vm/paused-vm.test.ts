import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "../support/group.ts";
import { findVmObstacle, HOST } from "./image.ts";
import { startVirtualMachine, type VirtualMachine } from "./virtual-machine.ts";

const obstacle = findVmObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";
const TTL_S = 10;
const KILL_MS = 1.75 * TTL_S * 1000;
/** A program that lives writes a line ten times a second. */
const QUIET_MS = 1_500;
/** Without KVM, on a machine that has much else to do, it boots for minutes. */
const START_LIMIT_MS = 360_000;
const LIMIT_MS = START_LIMIT_MS + 240_000;
/** What the machine may be late by, which is slow and busy with other tests. */
const SLACK_MS = 2_500;

/** Starts a virtual machine that becomes the master. */
async function startMaster(group: TestGroup): Promise<VirtualMachine> {
  const vm = await startVirtualMachine({
    ETCDCTL_ENDPOINTS: group.etcd.endpoint.replace("127.0.0.1", HOST),
    MSDHA_GROUP: group.name,
    MSDHA_NAME: "vm",
    MSDHA_TTL: String(TTL_S),
  });
  await waitFor(async () => !vm.child.running || (await group.master()) === "vm", {
    what: "the virtual machine to be the master",
    timeoutMs: START_LIMIT_MS,
    intervalMs: 200,
  }).catch(async (error: unknown) => {
    await vm[Symbol.asyncDispose]();
    throw new Error(`${error instanceof Error ? error.message : error}\n${vm.log()}\n${vm.child.log()}`);
  });
  expect(vm.child.running, vm.child.log()).toBe(true);
  return vm;
}

/** Resolves with how long the program went on, in ms from the call on. */
async function untilQuiet(vm: VirtualMachine, limitMs: number): Promise<number> {
  const began = performance.now();
  let [beats, last] = [vm.beats(), began];
  await waitFor(
    () => {
      const now = vm.beats();
      if (now !== beats) [beats, last] = [now, performance.now()];
      return performance.now() - last > QUIET_MS;
    },
    { what: "the end of the former master's program", timeoutMs: limitMs + QUIET_MS, intervalMs: 10 },
  );
  return last - began;
}

describe(`a virtual machine that is paused as the master, and its clocks with it${because}`, {
  skip: obstacle !== undefined,
}, () => {
  test("is killed as soon as it learns from etcd that there is another master", {
    timeout: LIMIT_MS,
  }, async () => {
    await using group = await startGroup({ ttlSeconds: TTL_S });
    await using vm = await startMaster(group);
    const b = group.start("b");
    await group.state("b", "ready");
    await vm.pause();
    const beats = vm.beats();
    await group.masterAmong([b], 90_000);
    expect(vm.beats()).toBe(beats);
    await vm.resume();
    const lived = await untilQuiet(vm, KILL_MS);
    expect(lived).toBeLessThan((TTL_S * 1000) / 3 + SLACK_MS);
    expect(vm.log()).toMatch(/ended with \d+/);
    expect(await group.master()).toBe("b");
  });

  test("and that can't reach etcd then, is gone at its kill time, counted without the pause", {
    timeout: LIMIT_MS,
  }, async () => {
    await using group = await startGroup({ ttlSeconds: TTL_S });
    await using vm = await startMaster(group);
    await vm.pause();
    await vm.setLink(false);
    const beats = vm.beats();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, KILL_MS + 5_000);
    await over;
    expect(vm.beats()).toBe(beats);
    await vm.resume();
    expect(await untilQuiet(vm, KILL_MS)).toBeLessThan(KILL_MS + SLACK_MS);
  });
});
