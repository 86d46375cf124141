import { describe, expect, test } from "vitest";
import {
  decodeReport,
  encodeDeadline,
  encodeOrphans,
  encodeRequest,
  encodeSignal,
  encodeSpawn,
  PROTOCOL_VERSION,
} from "./protocol.ts";

const withoutLength = (bytes: Buffer): Buffer => bytes.subarray(4);

describe("commands", () => {
  test("a spawn carries its flags, the program twice (as file and as its first argument), arguments and environment", () => {
    const bytes = encodeSpawn({
      id: 258,
      piped: true,
      cwd: "/d",
      file: "f",
      args: ["", "ü"],
      env: { A: "1", NONE: undefined, EMPTY: "" },
    });
    expect(bytes.readUInt32LE(0)).toBe(bytes.length - 4);
    expect([...bytes.subarray(4, 14)]).toEqual([1, 2, 1, 0, 0, 1, 3, 0, 0, 0]);
    expect(bytes.toString("utf8", 14)).toBe("/d\0f\0f\0\0ü\0A=1\0EMPTY=\0");
  });

  test("a spawn with a null byte anywhere is refused", () => {
    const good = { id: 1, piped: false, cwd: "/", file: "f", args: [], env: {} };
    for (const bad of [
      { cwd: "a\0" },
      { file: "\0" },
      { args: ["a\0b"] },
      { env: { A: "\0" } },
      { env: { "\0": "" } },
    ]) {
      expect(() => encodeSpawn({ ...good, ...bad })).toThrow(TypeError);
    }
  });

  test("a deadline is nanoseconds, never later than asked for, the largest number for none, never below zero", () => {
    const ns = (ms: number): bigint => encodeDeadline(7, { at: ms, in: 0 }).readBigInt64LE(9);
    const both = encodeDeadline(7, { at: 1, in: 2 });
    expect([...both.subarray(0, 9)]).toEqual([21, 0, 0, 0, 3, 7, 0, 0, 0]);
    expect([both.readBigInt64LE(9), both.readBigInt64LE(17)]).toEqual([1_000_000n, 2_000_000n]);
    const none = encodeDeadline(7, undefined);
    expect([none.readBigInt64LE(9), none.readBigInt64LE(17)]).toEqual([2n ** 63n - 1n, 2n ** 63n - 1n]);
    expect(ns(1234.9)).toBe(1_234_000_000n);
    expect(ns(-5)).toBe(0n);
    expect(ns(Number.NEGATIVE_INFINITY)).toBe(0n);
    expect(ns(1e300)).toBe(2n ** 63n - 1n);
  });

  test("requests and signals are a type and their numbers", () => {
    expect([...withoutLength(encodeRequest("killAll", 1))]).toEqual([4, 1, 0, 0, 0]);
    expect([...withoutLength(encodeRequest("gone", 2))]).toEqual([5, 2, 0, 0, 0]);
    expect([...withoutLength(encodeRequest("ping", 3))]).toEqual([6, 3, 0, 0, 0]);
    expect([...withoutLength(encodeSignal(9, 15, true))]).toEqual([2, 9, 0, 0, 0, 15, 1]);
    expect([...withoutLength(encodeOrphans(15, 258))]).toEqual([9, 15, 2, 1, 0, 0]);
  });
});

describe("reports", () => {
  const report = (...bytes: number[]): unknown => decodeReport(Buffer.from(bytes));

  test("are read field by field", () => {
    const second = [0, 0x94, 0x35, 0x77, 0, 0, 0, 0]; // 2,000 ms
    const hello = { type: "hello", pid: 5, now: 2_000 };
    expect(report(1, PROTOCOL_VERSION, 5, 0, 0, 0, ...second, 2)).toEqual({
      ...hello,
      version: PROTOCOL_VERSION,
      locked: "all",
    });
    expect(report(1, 1, 5, 0, 0, 0, ...second)).toEqual({ ...hello, version: 1, locked: "nothing" });
    expect(report(2, 13, 0, 0, 0, 1, 0x68, 0x69, 0)).toEqual({
      type: "start-failed",
      errno: 13,
      busy: true,
      step: "hi",
    });
    expect(report(3, 1, 0, 0, 0, 0, 1, 0, 0)).toEqual({ type: "started", id: 1, pid: 256 });
    expect(report(4, 1, 0, 0, 0, 3, 2, 0, 0, 0)).toEqual({ type: "failed", id: 1, step: "exec", errno: 2 });
    expect(report(5, 1, 0, 0, 0, 1, 9)).toEqual({ type: "exit", id: 1, signaled: true, value: 9 });
    expect(report(6, 1, 0, 0, 0, 2, 65)).toEqual({
      type: "output",
      id: 1,
      stream: "stderr",
      chunk: Buffer.from("A"),
    });
    expect(report(7, 1, 0, 0, 0)).toEqual({ type: "output-end", id: 1 });
    expect(report(8, 1, 0, 0, 0, 1, ...second)).toEqual({
      type: "ack",
      request: 1,
      refused: true,
      now: 2_000,
    });
    expect(report(9, 2)).toEqual({ type: "folding", why: "deadline" });
    expect(report(10)).toEqual({ type: "gone" });
  });

  test("that make no sense are refused", () => {
    expect(() => report()).toThrow(RangeError);
    expect(() => report(77)).toThrow(RangeError);
    expect(() => report(9, 200)).toThrow(RangeError);
    expect(() => report(3, 1)).toThrow(RangeError);
  });
});
