import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeText, encodeText } from "./text.ts";

/** Any bytes, and some that are nearly UTF-8: cut short, overlong, surrogates, beyond the last character. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: "grapheme", maxLength: 3 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom(
        Uint8Array.of(0xc3),
        Uint8Array.of(0xe2, 0x82),
        Uint8Array.of(0xc0, 0xaf),
        Uint8Array.of(0xed, 0xb2, 0x80),
        Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
      ),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts));

test("gives the same bytes back, whatever they are", () => {
  fc.assert(fc.property(bytes, (each) => encodeText(decodeText(each)).equals(each)));
});

test("reads UTF-8 as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(decodeText(Buffer.from(text))).toBe(text);
      expect(encodeText(text)).toEqual(Buffer.from(text));
    }),
  );
});

test("tells bytes apart that are not UTF-8", () => {
  expect(decodeText(Buffer.of(0x61, 0xff))).not.toBe(decodeText(Buffer.of(0x61, 0xfe)));
  expect(decodeText(Buffer.of(0x61, 0xff))).not.toBe(decodeText(Buffer.from("a\ufffd")));
});
