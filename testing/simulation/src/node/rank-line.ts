import type { Random } from "@msdha/etcd-simulated";

/** Ranks that a number of JavaScript can't tell apart. */
const LARGE = 1_732_790_000_000_000_000n;

/** Chooses what a `candidate` hook writes: mostly a rank, small or of 19 digits; at times nothing, or no rank at all. */
export function chooseRankLine(random: Random): string | undefined {
  const kind = random.whole(0, 9);
  if (kind === 0) return undefined;
  if (kind === 1) return random.pick(["10.5", "10 bytes", "", "99999999999999999999999"]);
  const small = BigInt(random.whole(-1, 3));
  return String(kind < 6 ? small : LARGE + small);
}
