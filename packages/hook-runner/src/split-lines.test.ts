import fc from "fast-check";
import { expect, test } from "vitest";
import { splitLines } from "./split-lines.ts";

function linesOf(chunks: readonly Uint8Array[], longest?: number): readonly string[] {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line), longest === undefined ? {} : { longest });
  for (const chunk of chunks) splitter.write(chunk);
  splitter.end();
  return lines;
}

test("tells the same lines however the text is cut into chunks", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 1, max: 7 }), (parts, size) => {
      const lines = parts.map((part) => part.replace(/[\r\n]/g, ""));
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(linesOf(chunks)).toEqual(lines);
    }),
  );
});

test("tells a last line that has no end, and takes off a carriage return", () => {
  expect(linesOf([Buffer.from("one\r\ntwo")])).toEqual(["one", "two"]);
});

test("tells a line that is too long in pieces", () => {
  expect(linesOf([Buffer.from("abcdefg\nh")], 3)).toEqual(["abc", "def", "g", "h"]);
});

test("says of each piece which one of its line it is", () => {
  const pieces: string[] = [];
  const splitter = splitLines((line, piece) => pieces.push(`${piece} ${line}`), { longest: 3 });
  for (const chunk of ["ab", "cd", "efg\nh\nij", "kl\r", "\nmnopq"]) splitter.write(Buffer.from(chunk));
  splitter.end();
  expect(pieces).toEqual([
    ...["first abc", "later def", "later g", "whole h"],
    ...["first ijk", "later l", "first mno", "later pq"],
  ]);
});

test("cuts no character of a line that is too long in two", () => {
  expect(linesOf([Buffer.from("ab\u{1f600}cd\n")], 3)).toEqual(["ab", "\u{1f600}c", "d"]);
});

test.each([0, 1, -1, Number.NaN])("refuses pieces of %s characters", (longest) => {
  expect(() => splitLines(() => {}, { longest })).toThrow(TypeError);
});
