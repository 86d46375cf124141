import { isUtf8 } from "node:buffer";

/**
 * Returns the text of a key or value. A byte that is not part of UTF-8 becomes a lone surrogate of its own (0x80 is
 * U+DC80, 0xff is U+DCFF), so that different bytes are different texts and `encodeText` gives the same bytes back.
 */
export function decodeText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let index = 0; index < bytes.length; ) {
    const length = characterLength(bytes, index);
    text += length > 0 ? bytes.toString("utf8", index, index + length) : escapeByte(bytes[index] as number);
    index += Math.max(length, 1);
  }
  return text;
}

/** Returns the bytes of a text: UTF-8, and one byte for each lone surrogate that `decodeText` makes of one. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0) as number;
    return code >= FIRST_ESCAPE && code <= LAST_ESCAPE
      ? Buffer.of(code - ESCAPE_OFFSET)
      : Buffer.from(character);
  });
  return Buffer.concat(parts);
}

const ESCAPE_OFFSET = 0xdc00;
const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;

function escapeByte(byte: number): string {
  return String.fromCharCode(ESCAPE_OFFSET + byte);
}

/** How many bytes the UTF-8 character at `index` has; 0 when there is none. */
function characterLength(bytes: Buffer, index: number): number {
  const first = bytes[index] as number;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const whole = index + length <= bytes.length;
  return whole && isUtf8(bytes.subarray(index, index + length)) ? length : 0;
}
