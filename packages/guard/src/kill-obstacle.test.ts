import { expect, test } from "vitest";
import { findKillObstacle } from "./kill-obstacle.ts";

function status({ user, effective }: { readonly user: number; readonly effective: string }): string {
  return `Name:\tnode\nUid:\t${user}\t${user}\t${user}\t${user}\nCapPrm:\tffffffffffffffff\nCapEff:\t${effective}\n`;
}

test.each([
  ["root with every capability", 0, "000001ffffffffff", undefined],
  ["root with CAP_KILL alone", 0, "0000000000000020", undefined],
  ["root without any", 0, "0000000000000000", /root without CAP_KILL/],
  ["root with all but CAP_KILL", 0, "000001ffffffffdf", /root without CAP_KILL/],
  ["another user without any", 1_000, "0000000000000000", undefined],
  [
    "another user with CAP_SETUID",
    1_000,
    "0000000000000080",
    /user 1000 with CAP_SETUID but without CAP_KILL/,
  ],
  ["another user with both", 1_000, "00000000000000a0", undefined],
] as const)("%s", (_, user, effective, expected) => {
  const obstacle = findKillObstacle(status({ user, effective }));
  if (expected === undefined) expect(obstacle).toBeUndefined();
  else expect(obstacle).toMatch(expected);
});
