import { GuardLostError, KillNotPermittedError, type SignalReport } from "@msdha/guard";
import { expect, test } from "vitest";
import { createKillPermission } from "./kill-permission.ts";

const all: SignalReport = { reached: 3, someReached: [], denied: 0, someDenied: [] };
const denied: SignalReport = {
  ...all,
  denied: 1,
  someDenied: [{ pid: 7, name: "postgres", user: 101, errno: "EPERM" }],
};

function setUp(answer: () => Promise<SignalReport>) {
  const errors: KillNotPermittedError[] = [];
  let asked = 0;
  const guard = {
    survey() {
      asked += 1;
      return answer();
    },
  };
  const permission = createKillPermission(guard, { onDenied: (error) => errors.push(error) });
  return { permission, errors, asked: () => asked };
}

test("is proven while everything may be killed", async () => {
  const { permission } = setUp(async () => all);
  await permission.prove();
});

test("is not where something may not be killed, which is named", async () => {
  const { permission, errors } = setUp(async () => denied);
  await expect(permission.prove()).rejects.toThrow(/may not kill postgres \(process 7, user 101: EPERM\)/);
  expect(errors).toEqual([]);
});

test("is asked for in passing once at a time, and again after the answer", async () => {
  const answer = Promise.withResolvers<SignalReport>();
  const { permission, errors, asked } = setUp(() => answer.promise);
  permission.check();
  permission.check();
  expect(asked()).toBe(1);
  answer.resolve(denied);
  await expect.poll(() => errors.length).toBe(1);
  permission.check();
  expect(asked()).toBe(2);
  expect(errors[0]).toBeInstanceOf(KillNotPermittedError);
});

test("leaves a lost guard to the guard's own signal", async () => {
  const { permission, errors, asked } = setUp(() => Promise.reject(new GuardLostError("it died")));
  const askAgain = (): number => {
    permission.check();
    return asked();
  };
  await expect.poll(askAgain).toBeGreaterThan(1);
  expect(errors).toEqual([]);
  await expect(permission.prove()).rejects.toBeInstanceOf(GuardLostError);
});
