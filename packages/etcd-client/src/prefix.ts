import { encodeText } from "./text.ts";

/**
 * The end of the range of all keys that begin with `prefix`: the first key after them, as etcd wants it. A single
 * zero byte, etcd's "to the end", when nothing comes after them (an empty prefix, or one of 0xff bytes alone).
 */
export function prefixRangeEnd(prefix: string): Buffer {
  const end = encodeText(prefix);
  for (let index = end.length - 1; index >= 0; index -= 1) {
    const byte = end[index] as number;
    if (byte < 0xff) {
      end[index] = byte + 1;
      return end.subarray(0, index + 1);
    }
  }
  return Buffer.of(0);
}
