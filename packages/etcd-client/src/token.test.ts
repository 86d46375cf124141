import { expect, test } from "vitest";
import { createTokenKeeper } from "./token.ts";

const user = { name: "app", password: "sesame" };

/** Gives out `token-1`, `token-2` … and counts. */
function authority() {
  const state = { asked: 0, failing: false };
  async function authenticate(): Promise<string> {
    state.asked += 1;
    if (state.failing) throw new Error("away");
    return `token-${state.asked}`;
  }
  return { state, authenticate };
}

test("without a user nobody is asked", async () => {
  const { state, authenticate } = authority();
  expect(await createTokenKeeper(undefined, authenticate).get()).toBeUndefined();
  expect(state.asked).toBe(0);
});

test("a token is asked for once, by however many calls", async () => {
  const { authenticate } = authority();
  const tokens = createTokenKeeper(user, authenticate);
  expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(["token-1", "token-1"]);
  expect(await tokens.get()).toBe("token-1");
});

test("a discarded token is renewed once, although several calls discard it", async () => {
  const { authenticate } = authority();
  const tokens = createTokenKeeper(user, authenticate);
  const old = await tokens.get();
  tokens.discard(old);
  const renewed = tokens.get();
  tokens.discard(old);
  expect(await renewed).toBe("token-2");
  tokens.discard(old);
  expect(await tokens.get()).toBe("token-2");
});

test("a failure is not kept", async () => {
  const { state, authenticate } = authority();
  const tokens = createTokenKeeper(user, authenticate);
  state.failing = true;
  await expect(tokens.get()).rejects.toThrow("away");
  state.failing = false;
  expect(await tokens.get()).toBe("token-2");
});

test("that authentication is off is kept like a token, and can be discarded", async () => {
  const answers = [undefined, "token"];
  const tokens = createTokenKeeper(user, async () => answers.shift());
  expect([await tokens.get(), await tokens.get()]).toEqual([undefined, undefined]);
  tokens.discard(undefined);
  expect(await tokens.get()).toBe("token");
});
