import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import { limitLines } from "./limit-lines.ts";

function create() {
  const clock = createManualClock();
  const lines: string[] = [];
  const limit = limitLines((stream, line) => lines.push(`${stream} ${line}`), { clock });
  return { clock, lines, limit };
}

test("passes on 10,000 lines, and of the rest how many there were and the last 20", () => {
  const { limit, lines } = create();
  limit.look();
  for (let i = 1; i <= 50_000; i += 1) limit.add("stdout", `line ${i}`);
  limit.add("stderr", "gives up");
  expect(lines.length).toBe(10_000);
  limit.end();
  expect(lines.slice(10_000)).toEqual([
    "stdout (39981 lines of output left out: too many at once)",
    ...Array.from({ length: 19 }, (_, index) => `stdout line ${49_982 + index}`),
    "stderr gives up",
  ]);
});

test("says of a hook that goes on each second how much was left out, and passes 1,000 more on", async () => {
  const { clock, limit, lines } = create();
  for (let i = 0; i < 10_010; i += 1) limit.add("stdout", "first");
  await clock.advance(999);
  limit.look();
  expect(lines.length).toBe(10_000);
  await clock.advance(1);
  limit.look();
  expect(lines.length).toBe(10_010); // few enough to be all passed on late
  for (let i = 0; i < 1_100; i += 1) limit.add("stdout", "second");
  expect(lines.length).toBe(11_010);
  await clock.advance(60_000);
  limit.look();
  expect(lines.slice(11_010)).toEqual([
    "stdout (80 lines of output left out: too many at once)",
    ...Array(20).fill("stdout second"),
  ]);
});

test("counts a long line as several", () => {
  const { limit, lines } = create();
  for (let i = 0; i < 1_000; i += 1) limit.add("stdout", "x".repeat(8_192));
  expect(lines.length).toBe(154);
});

test("says nothing where nothing was left out", () => {
  const { limit, lines } = create();
  limit.add("stdout", "one");
  limit.end();
  limit.end();
  expect(lines).toEqual(["stdout one"]);
});
