import { expect, it } from "vitest";
import { readConnectionWait } from "./connection-wait.ts";

const from = "127.0.0.1:42492 [28/Nov/2026:23:34:28.535]";

it.each([
  ["a wait, when it is served", `${from} fe be/m0 721/0/+720 +0 -- 2/2/2/1/+7 0/0`, ["served", 721, 720]],
  [
    "a wait, when its session ends",
    `${from} fe be/m0 1049/2/1503 0 D- 2/2/1/1/+10 0/0`,
    ["served", 1051, 1503],
  ],
  ["a wait on the second port", `${from} fe2 be2/m0 721/0/+720 +0 -- 2/2/2/1/+7 0/0`, ["served", 721, 720]],
  ["a wait in vain", `${from} fe be/parking 3103/-1/+3102 +0 SC 4/4/3/0/30 0/0`, ["in_vain", 3102, 3102]],
  ["a wait that was not allowed", `${from} fe be/<NOSRV> -1/-1/0 0 SC 1/1/0/0/0 0/0`, ["in_vain", 0, 0]],
  ["a client that left", `${from} fe be/parking 103/-1/201 0 CD 2/2/1/0/2 0/0`, ["left", 201, 201]],
])("reads %s", (_, line, [outcome, waitedMs, ageMs]) => {
  expect(readConnectionWait(line)).toEqual({ outcome, waitedMs, ageMs });
});

it.each([
  `${from} fe be/m0 1/0/1153 0 D- 1/1/0/0/0 0/0`,
  `${from} fe be/m0 1/0/+203 +0 -- 1/1/0/0/0 0/0`,
  "Server be/m0 is UP/READY (leaving forced maintenance).",
  "",
])("reads no wait from %s", (line) => {
  expect(readConnectionWait(line)).toBeUndefined();
});
