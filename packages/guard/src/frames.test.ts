import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader, frame } from "./frames.ts";

test("frames come out whole and in order, however they are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (payloads, cuts) => {
        const bytes = Buffer.concat(payloads.map((payload) => frame(payload)));
        const read = createFrameReader();
        const frames: Buffer[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1;
          frames.push(...read(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(frames.map((bytes) => [...bytes])).toEqual(payloads.map((payload) => [...payload]));
      },
    ),
  );
});

test("the parts of a frame follow one another behind one length", () => {
  expect([...frame(Buffer.from([1]), Buffer.from([2, 3]))]).toEqual([3, 0, 0, 0, 1, 2, 3]);
});
