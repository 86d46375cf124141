// The other end is c/guard.h, which describes the fields.
import { frame } from "./frames.ts";

export const PROTOCOL_VERSION = 2;

const SPAWN = 1;
const SIGNAL = 2;
const ORPHANS = 9;
const SIGNAL_ALL = 7;
const WITHDRAW = 8;
const REQUESTS = { deadline: 3, killAll: 4, gone: 5, ping: 6 } as const;

export type PlainRequestKind = keyof typeof REQUESTS;
export type RequestKind = PlainRequestKind | "signalAll" | "withdraw";

/** A process in a roll; `errno` is why it could not be reached, 0 if it was. */
export interface RollEntry {
  readonly pid: number;
  readonly user: number;
  readonly errno: number;
  readonly name: string;
}

/** How many processes something was done to, and some of them. */
export interface Roll {
  readonly reached: number;
  readonly denied: number;
  readonly some: readonly RollEntry[];
}

export interface SpawnCommand {
  readonly id: number;
  readonly piped: boolean;
  readonly cwd: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Report =
  | { readonly type: "hello"; readonly version: number; readonly pid: number; readonly now: number }
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

/** `deadlineMs` goes with the kind "deadline" only: milliseconds on CLOCK_BOOTTIME, undefined for none. */
export function encodeRequest(kind: PlainRequestKind, request: number, deadlineMs?: number): Buffer {
  const body = Buffer.alloc(kind === "deadline" ? 13 : 5);
  body.writeUInt8(REQUESTS[kind], 0);
  body.writeUInt32LE(request, 1);
  if (kind === "deadline") body.writeBigInt64LE(toNanoseconds(deadlineMs), 5);
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
      return {
        type: "hello",
        version: bytes.readUInt8(1),
        pid: bytes.readUInt32LE(2),
        now: toMilliseconds(bytes, 6),
      };
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

function decodeRoll(bytes: Buffer, start: number): Roll {
  const some: RollEntry[] = [];
  for (let at = start + 8; at < bytes.length; ) {
    const end = bytes.indexOf(0, at + 12);
    if (end < 0) throw new RangeError("expected a name that ends, got none");
    some.push({
      pid: bytes.readUInt32LE(at),
      user: bytes.readUInt32LE(at + 4),
      errno: bytes.readInt32LE(at + 8),
      name: bytes.toString("utf8", at + 12, end),
    });
    at = end + 1;
  }
  return { reached: bytes.readUInt32LE(start), denied: bytes.readUInt32LE(start + 4), some };
}

function toMilliseconds(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64LE(at)) / 1_000_000;
}

function nth<T>(names: readonly T[], number: number): T {
  const name = names[number - 1];
  if (name === undefined) throw new RangeError(`expected 1 to ${names.length}, got ${number}`);
  return name;
}
