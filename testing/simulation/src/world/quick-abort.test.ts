import { describe, expect, test } from "vitest";
import { installQuickAbort } from "./quick-abort.ts";

const native = { AbortController, AbortSignal };

describe.each(["Node's own", "the quick one"])("with %s", (which) => {
  function using(act: () => void): void {
    using _quick = which === "the quick one" ? installQuickAbort() : undefined;
    act();
  }

  test("whatever follows a signal is aborted before the first listener hears of it, and told after it", () => {
    using(() => {
      const source = new AbortController();
      const between = AbortSignal.any([source.signal, new AbortController().signal]);
      const last = AbortSignal.any([between]);
      const told: unknown[] = [];
      last.addEventListener("abort", () => told.push(["last", last.reason]));
      source.signal.addEventListener("abort", () => told.push(["source", last.aborted]), { once: true });
      source.signal.addEventListener("abort", () => told.push("never"), { signal: between });
      source.abort("why");
      source.abort("again");
      expect(told[0]).toEqual(["source", true]);
      expect(told.at(-1)).toEqual(["last", "why"]);
    });
  });

  test("a listener that was taken off, or whose own signal aborted, is not told", () => {
    using(() => {
      const [source, off] = [new AbortController(), new AbortController()];
      const told: string[] = [];
      const removed = (): void => void told.push("removed");
      source.signal.addEventListener("abort", removed);
      source.signal.addEventListener("abort", () => void told.push("off"), { signal: off.signal });
      source.signal.addEventListener("abort", () => void told.push("kept"));
      source.signal.removeEventListener("abort", removed);
      off.abort();
      source.abort();
      expect(told).toEqual(["kept"]);
    });
  });

  test("a signal that has aborted throws its reason, has an AbortError by itself, and makes others abort at once", () => {
    using(() => {
      const source = new AbortController();
      source.abort();
      expect(() => AbortSignal.any([source.signal]).throwIfAborted()).toThrow("aborted");
      expect(source.signal.reason).toMatchObject({ name: "AbortError" });
    });
  });
});

test("Node's own are back afterwards", () => {
  expect({ AbortController, AbortSignal }).toEqual(native);
});
