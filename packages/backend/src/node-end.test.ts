import { GuardLostError } from "@msdha/guard";
import { expect, test } from "vitest";
import { createNodeEnd, endWhenAborted } from "./node-end.ts";

function setUp() {
  const stop = new AbortController();
  return { stop, end: createNodeEnd(stop.signal) };
}

test("the first reason counts, and its words reach whatever waits", () => {
  const { stop, end } = setUp();
  expect([end.ending, end.begun.aborted]).toEqual([undefined, false]);
  stop.abort(new Error("asked to stop"));
  end.because({ kind: "failed", error: new Error("too late") });
  expect(end.ending).toEqual({ kind: "planned", why: "asked to stop" });
  expect(end.begun.reason).toMatchObject({ code: "ERR_NODE_ENDED", message: "asked to stop" });
  expect(end.loss.aborted).toBe(false);
});

test("a loss is known also when the node ends for another reason", () => {
  const { stop, end } = setUp();
  stop.abort(new Error("asked to stop"));
  const error = new Error("the lease is lost");
  end.because({ kind: "lost", error });
  expect(end.ending?.kind).toBe("planned");
  expect(end.loss.reason).toBe(error);
});

test("a lost guard is a loss, though no key is lost", () => {
  const { end } = setUp();
  const guard = new AbortController();
  endWhenAborted(end, guard.signal);
  guard.abort(new GuardLostError("it died"));
  expect(end.ending?.kind).toBe("failed");
  expect(end.loss.aborted).toBe(true);
});
