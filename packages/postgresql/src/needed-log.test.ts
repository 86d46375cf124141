import { expect, test } from "vitest";
import { parseControlData } from "./control-data.ts";
import { neededPlaces } from "./needed-log.ts";

test("data need the log up to their checkpoint, and up to what their pages hold", () => {
  const control = parseControlData(`Database cluster state:               in archive recovery
Latest checkpoint location:           0/5027B08
Latest checkpoint's REDO location:    0/5027AD0
Latest checkpoint's TimeLineID:       2
Minimum recovery ending location:     0/5027B80
Min recovery ending loc's timeline:   3
`);
  expect(neededPlaces(control)).toEqual([
    { timeline: 2, at: 0x5027b09n },
    { timeline: 3, at: 0x5027b80n },
  ]);
});

test("data whose control data can't be read need nothing that is known", () => {
  expect(neededPlaces(new Map())).toEqual([]);
});
