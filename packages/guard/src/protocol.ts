// The other end is c/guard.h, which describes the fields.
import { frame } from "./frames.ts";
import { decodeRoll, type Roll } from "./roll.ts";

export const PROTOCOL_VERSION = 3;

const SPAWN = 1;
const SIGNAL = 2;
const ORPHANS = 9;
const SIGNAL_ALL = 7;
const WITHDRAW = 8;
const DEADLINE = 3;
const REQUESTS = { killAll: 4, gone: 5, ping: 6 } as const;

export type PlainRequestKind = keyof typeof REQUESTS;
export type RequestKind = PlainRequestKind | "deadline" | "signalAll" | "withdraw";

export interface SpawnCommand {
  readonly id: number;
  readonly piped: boolean;
  readonly cwd: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Report =
  | {
      readonly type: "hello";
      readonly version: number;
      readonly pid: number;
      readonly now: number;
      readonly locked: Locked;
    }
  | {
      readonly type: "start-failed";
      readonly errno: number;
      readonly busy: boolean;
      readonly step: string;
    }
  | { readonly type: "started"; readonly id: number; readonly pid: number }
  | { readonly type: "failed"; readonly id: number; readonly step: FailedStep; readonly errno: number }
  | { readonly type: "exit"; readonly id: number; readonly signaled: boolean; readonly value: number }
  | {
      readonly type: "output";
      readonly id: number;
      readonly stream: "stdout" | "stderr";
      readonly chunk: Buffer;
    }
  | { readonly type: "output-end"; readonly id: number }
  | { readonly type: "ack"; readonly request: number; readonly refused: boolean; readonly now: number }
  | { readonly type: "folding"; readonly why: FoldReason }
  | { readonly type: "gone" }
  | { readonly type: "signalled"; readonly request: number; readonly roll: Roll }
  | { readonly type: "denied"; readonly roll: Roll }
  | { readonly type: "signal-denied"; readonly roll: Roll }
  | { readonly type: "killed"; readonly roll: Roll };

const LOCKED = ["nothing", "start", "all"] as const;
/** How much of the guard's memory can't be swapped out: nothing, what it had at the start, or also what it takes later. */
export type Locked = (typeof LOCKED)[number];

const FAILED_STEPS = ["fork", "cwd", "exec", "past-deadline", "refused"] as const;
export type FailedStep = (typeof FAILED_STEPS)[number];

const FOLD_REASONS = ["closed", "deadline", "partner", "broken"] as const;
export type FoldReason = (typeof FOLD_REASONS)[number];

/** No deadline: the largest i64. */
const NO_DEADLINE = 2n ** 63n - 1n;

export function encodeSpawn({ id, piped, cwd, file, args, env }: SpawnCommand): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt8(SPAWN, 0);
  head.writeUInt32LE(id, 1);
  head.writeUInt8(piped ? 1 : 0, 5);
  head.writeUInt32LE(1 + args.length, 6);
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${value}`,
  );
  return frame(head, encodeStrings([cwd, file, file, ...args, ...variables]));
}

export function encodeSignal(id: number, signal: number, group: boolean): Buffer {
  const body = Buffer.alloc(7);
  body.writeUInt8(SIGNAL, 0);
  body.writeUInt32LE(id, 1);
  body.writeUInt8(signal, 5);
  body.writeUInt8(group ? 1 : 0, 6);
  return frame(body);
}

export function encodeOrphans(signal: number, childrenOf: number): Buffer {
  const body = Buffer.alloc(6);
  body.writeUInt8(ORPHANS, 0);
  body.writeUInt8(signal, 1);
  body.writeUInt32LE(childrenOf, 2);
  return frame(body);
}

export function encodeRequest(kind: PlainRequestKind, request: number): Buffer {
  const body = Buffer.alloc(5);
  body.writeUInt8(REQUESTS[kind], 0);
  body.writeUInt32LE(request, 1);
  return frame(body);
}

/** A time in milliseconds, said twice: the guard takes the sooner of both. */
export interface DeadlineTimes {
  /** On the guard's CLOCK_BOOTTIME. */
  readonly at: number;
  /** From when the guard reads it. */
  readonly in: number;
}

/** `undefined`: no deadline. */
export function encodeDeadline(request: number, times: DeadlineTimes | undefined): Buffer {
  const body = Buffer.alloc(21);
  body.writeUInt8(DEADLINE, 0);
  body.writeUInt32LE(request, 1);
  body.writeBigInt64LE(toNanoseconds(times?.at), 5);
  body.writeBigInt64LE(toNanoseconds(times?.in), 13);
  return frame(body);
}

/** `signal` 0 sends none. */
export function encodeSignalAll(request: number, signal: number): Buffer {
  const body = Buffer.alloc(6);
  body.writeUInt8(SIGNAL_ALL, 0);
  body.writeUInt32LE(request, 1);
  body.writeUInt8(signal, 5);
  return frame(body);
}

export function encodeWithdraw(request: number, paths: readonly string[]): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(WITHDRAW, 0);
  head.writeUInt32LE(request, 1);
  return frame(head, encodeStrings(paths));
}

function encodeStrings(strings: readonly string[]): Buffer {
  const bad = strings.find((text) => text.includes("\0"));
  if (bad !== undefined)
    throw new TypeError(`expected strings without null bytes, got ${JSON.stringify(bad)}`);
  return Buffer.from(strings.map((text) => `${text}\0`).join(""));
}

function toNanoseconds(ms: number | undefined): bigint {
  if (ms === undefined) return NO_DEADLINE;
  const ns = BigInt(Math.floor(Math.min(Math.max(ms, 0), Number.MAX_SAFE_INTEGER))) * 1_000_000n;
  return ns < NO_DEADLINE ? ns : NO_DEADLINE;
}

/** Throws when a frame makes no sense, as from a guard of another version. */
export function decodeReport(bytes: Buffer): Report {
  switch (bytes.readUInt8(0)) {
    case 1:
      return decodeHello(bytes);
    case 2:
      return {
        type: "start-failed",
        errno: bytes.readInt32LE(1),
        busy: bytes.readUInt8(5) !== 0,
        step: bytes.toString("utf8", 6, bytes.length - 1),
      };
    case 3:
      return { type: "started", id: bytes.readUInt32LE(1), pid: bytes.readUInt32LE(5) };
    case 4:
      return {
        type: "failed",
        id: bytes.readUInt32LE(1),
        step: nth(FAILED_STEPS, bytes.readUInt8(5)),
        errno: bytes.readInt32LE(6),
      };
    case 5:
      return {
        type: "exit",
        id: bytes.readUInt32LE(1),
        signaled: bytes.readUInt8(5) !== 0,
        value: bytes.readUInt8(6),
      };
    case 6:
      return {
        type: "output",
        id: bytes.readUInt32LE(1),
        stream: bytes.readUInt8(5) === 1 ? "stdout" : "stderr",
        chunk: bytes.subarray(6),
      };
    case 7:
      return { type: "output-end", id: bytes.readUInt32LE(1) };
    case 8:
      return {
        type: "ack",
        request: bytes.readUInt32LE(1),
        refused: bytes.readUInt8(5) !== 0,
        now: toMilliseconds(bytes, 6),
      };
    case 9:
      return { type: "folding", why: nth(FOLD_REASONS, bytes.readUInt8(1)) };
    case 10:
      return { type: "gone" };
    case 11:
      return { type: "signalled", request: bytes.readUInt32LE(1), roll: decodeRoll(bytes, 5) };
    case 12:
      return { type: "denied", roll: decodeRoll(bytes, 1) };
    case 13:
      return { type: "killed", roll: decodeRoll(bytes, 1) };
    case 14:
      return { type: "signal-denied", roll: decodeRoll(bytes, 1) };
    default:
      throw new RangeError(`expected a report of the guard, got type ${bytes.readUInt8(0)}`);
  }
}

function decodeHello(bytes: Buffer): Report & { type: "hello" } {
  const version = bytes.readUInt8(1);
  return {
    type: "hello",
    version,
    pid: bytes.readUInt32LE(2),
    now: toMilliseconds(bytes, 6),
    locked: version === PROTOCOL_VERSION ? nth(LOCKED, bytes.readUInt8(14) + 1) : "nothing",
  };
}

function toMilliseconds(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64LE(at)) / 1_000_000;
}

function nth<T>(names: readonly T[], number: number): T {
  const name = names[number - 1];
  if (name === undefined) throw new RangeError(`expected 1 to ${names.length}, got ${number}`);
  return name;
}
