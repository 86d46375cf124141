import type { Readable } from "node:stream";

/** More than a pipe or socket of Linux holds by default: past it, everything is from after the exit. */
const CAPACITY_BYTES = 1_048_576;

/**
 * Resolves with the exit once `streams` hold nothing of the process itself any more. When a process ends, all that it
 * wrote is in its pipes: they are empty when one whole turn of the event loop has brought nothing. It does not wait for
 * their end, which comes only when every process that inherited them has ended too.
 */
export async function drainAfterExit<T>(ended: Promise<T>, streams: readonly Readable[]): Promise<T> {
  let bytes = 0;
  const count = (chunk: Uint8Array): void => {
    bytes += chunk.byteLength;
  };
  for (const stream of streams) stream.on("data", count);
  const exit = await ended;
  const atExit = bytes;
  // The turn in which the exit was noticed may be over for one of the streams already.
  await nextTurn();
  for (let before = -1; before !== bytes && bytes - atExit < streams.length * CAPACITY_BYTES; ) {
    before = bytes;
    await nextTurn();
  }
  for (const stream of streams) stream.off("data", count);
  return exit;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
