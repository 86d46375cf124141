// For tests: the guard's side of the two connections.
import { type Duplex, duplexPair } from "node:stream";
import { createFrameReader, frame } from "../src/frames.ts";
import type { GuardLink } from "../src/handle.ts";
import { type FailedStep, PROTOCOL_VERSION } from "../src/protocol.ts";
import type { Roll } from "../src/roll.ts";

export type Which = "inner" | "outer";

export interface FakeCommand {
  readonly to: Which;
  readonly type: number;
  /** The request's or process's number. */
  readonly number: number;
  readonly body: Buffer;
}

export interface FakeGuard {
  readonly link: GuardLink;
  readonly commands: readonly FakeCommand[];
  readonly woken: readonly number[];
  /** Whether the handle has ended its side. */
  ended(which: Which): boolean;
  lastResorts(): number;
  /** Whether requests of these are answered at once; default: all are. */
  answer(answers: { readonly inner: boolean; readonly outer: boolean }): void;
  hello(version?: number): void;
  startFailed(errno: number, busy: boolean, step: string): void;
  started(id: number, pid: number): void;
  failed(id: number, step: FailedStep, errno: number): void;
  exited(id: number, code: number): void;
  output(id: number, stream: 1 | 2, text: string): void;
  outputEnded(id: number): void;
  ack(from: Which, request: number, options?: { readonly refused?: boolean }): void;
  folding(from: Which, why: 1 | 2 | 3 | 4): void;
  gone(from: Which): void;
  signalled(request: number, roll: Roll): void;
  denied(from: Which, roll: Roll): void;
  signalDenied(roll: Roll): void;
  killed(from: Which, roll: Roll): void;
  raw(from: Which, bytes: Buffer): void;
  /** The process ends. */
  die(which: Which): void;
}

/** Those that an ack answers. */
const REQUEST_TYPES = [3, 4, 5, 6, 8];
const STEPS: readonly FailedStep[] = ["fork", "cwd", "exec", "past-deadline", "refused"];
const PIDS = { inner: 12, outer: 11 };

/** Its clock is always `nowMs()`. */
export function createFakeGuard(nowMs: () => number): FakeGuard {
  const sides = { inner: duplexPair(), outer: duplexPair() };
  const commands: FakeCommand[] = [];
  const woken: number[] = [];
  const ended = { inner: false, outer: false };
  const exited = Promise.withResolvers<void>();
  let answers: Readonly<Record<Which, boolean>> = { inner: true, outer: true };
  let lastResorts = 0;

  for (const which of ["inner", "outer"] as const) {
    const readFrames = createFrameReader();
    sides[which][1].on("data", (chunk: Buffer) => {
      for (const body of readFrames(chunk)) {
        const command = { to: which, type: body.readUInt8(0), number: body.readUInt32LE(1), body };
        commands.push(command);
        if (REQUEST_TYPES.includes(command.type) && answers[which]) ack(which, command.number);
      }
    });
    sides[which][1].on("end", () => {
      ended[which] = true;
    });
  }

  function send(from: Which, ...parts: Uint8Array[]): void {
    sides[from][1].write(frame(...parts));
  }

  function ack(from: Which, request: number, { refused = false } = {}): void {
    send(from, u8(8), u32(request), u8(refused ? 1 : 0), time());
  }

  const time = (): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(nowMs() * 1_000_000)));
    return bytes;
  };

  return {
    link: {
      inner: sides.inner[0],
      outer: sides.outer[0],
      exited: exited.promise,
      wake: (pid) => void woken.push(pid),
      lastResort: async () => {
        lastResorts += 1;
      },
    },
    commands,
    woken,
    ended: (which) => ended[which],
    lastResorts: () => lastResorts,
    answer: (wanted) => {
      answers = wanted;
    },
    hello(version = PROTOCOL_VERSION) {
      for (const which of ["inner", "outer"] as const)
        send(which, u8(1), u8(version), u32(PIDS[which]), time(), u8(2));
    },
    startFailed: (errno, busy, step) =>
      send("outer", u8(2), u32(errno), u8(busy ? 1 : 0), Buffer.from(`${step}\0`)),
    started: (id, pid) => send("inner", u8(3), u32(id), u32(pid)),
    failed: (id, step, errno) => send("inner", u8(4), u32(id), u8(STEPS.indexOf(step) + 1), u32(errno)),
    exited: (id, code) => send("inner", u8(5), u32(id), u8(0), u8(code)),
    output: (id, stream, text) => send("inner", u8(6), u32(id), u8(stream), Buffer.from(text)),
    outputEnded: (id) => send("inner", u8(7), u32(id)),
    ack,
    folding: (from, why) => send(from, u8(9), u8(why)),
    gone: (from) => send(from, u8(10)),
    signalled: (request, roll) => send("inner", u8(11), u32(request), encodeRoll(roll)),
    denied: (from, roll) => send(from, u8(12), encodeRoll(roll)),
    signalDenied: (roll) => send("inner", u8(14), encodeRoll(roll)),
    killed: (from, roll) => send(from, u8(13), encodeRoll(roll)),
    raw: (from, bytes) => void sides[from][1].write(bytes),
    die(which) {
      destroy(...sides[which]);
      if (which === "outer") exited.resolve();
    },
  };
}

function destroy(handleSide: Duplex, guardSide: Duplex): void {
  guardSide.destroy();
  handleSide.destroy();
}

function encodeRoll({ reached, denied, some }: Roll): Buffer {
  const entries = some.flatMap(({ pid, user, errno, name }) => [
    ...[u32(pid), u32(user), u32(errno)],
    Buffer.from(`${name}\0`),
  ]);
  return Buffer.concat([u32(reached), u32(denied), ...entries]);
}

function u8(value: number): Buffer {
  return Buffer.from([value]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
