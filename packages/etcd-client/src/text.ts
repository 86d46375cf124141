import { isUtf8 } from "node:buffer";

/**
 * Returns the text of a key or value. A byte that is not part of UTF-8 becomes a lone surrogate of its own (0x80 is
 * U+DC80, 0xff is U+DCFF), so that different bytes are different texts and `encodeText` gives the same bytes back.
 */
export function decodeText(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  const units = new Uint16Array(bytes.length);
  let used = 0;
  for (let index = 0; index < bytes.length; ) {
    const length = characterLength(bytes, index);
    const code = length > 0 ? codePoint(bytes, index, length) : ESCAPE_OFFSET + byteAt(bytes, index);
    if (code > 0xffff) {
      units[used++] = 0xd800 + ((code - 0x10000) >> 10);
      units[used++] = 0xdc00 + ((code - 0x10000) & 0x3ff);
    } else {
      units[used++] = code;
    }
    index += Math.max(length, 1);
  }
  return textOf(units.subarray(0, used));
}

/** Returns the bytes of a text: UTF-8, and one byte for each lone surrogate that `decodeText` makes of one. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const bytes = Buffer.allocUnsafe(text.length * MOST_BYTES);
  let used = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.codePointAt(index) as number;
    if (code < 0x80) {
      bytes[used++] = code;
    } else if (code >= FIRST_ESCAPE && code <= LAST_ESCAPE) {
      bytes[used++] = code - ESCAPE_OFFSET;
    } else {
      const character = String.fromCodePoint(code);
      used += bytes.write(character, used);
      index += character.length - 1;
    }
  }
  return Buffer.from(bytes.subarray(0, used));
}

const ESCAPE_OFFSET = 0xdc00;
const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;
/** How many bytes one code unit of a text becomes at most. */
const MOST_BYTES = 3;
/** How many code units become a text at once: arguments of one call. */
const UNITS_AT_ONCE = 8_192;

function textOf(units: Uint16Array): string {
  let text = "";
  for (let index = 0; index < units.length; index += UNITS_AT_ONCE) {
    text += String.fromCharCode.apply(
      null,
      units.subarray(index, index + UNITS_AT_ONCE) as unknown as number[],
    );
  }
  return text;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

/** How many bytes the UTF-8 character at `index` has; 0 when there is none. */
function characterLength(bytes: Uint8Array, index: number): number {
  const first = byteAt(bytes, index);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (index + length > bytes.length) return 0;
  // Neither overlong, nor a surrogate, nor beyond the last character.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  const second = byteAt(bytes, index + 1);
  if (second < least || second > most) return 0;
  for (let next = index + 2; next < index + length; next += 1) {
    if ((byteAt(bytes, next) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** The code point of the UTF-8 character of `length` bytes at `index`. */
function codePoint(bytes: Uint8Array, index: number, length: number): number {
  const first = byteAt(bytes, index);
  if (length === 1) return first;
  let code = first & (0x7f >> length);
  for (let next = index + 1; next < index + length; next += 1)
    code = (code << 6) | (byteAt(bytes, next) & 0x3f);
  return code;
}
