import { waitedMs } from "../facts/apply-change.ts";
import { executing, lostTime } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/**
 * A hand-over is written only by the holder of the lock, in giving it back, when it had finished its own wait and
 * nothing that anybody who was ever the master has started is alive.
 */
export const handOverWhenGone: Invariant = (moment, { runs, group, byHand }) => {
  if (moment.kind !== "change" || byHand) return undefined;
  const written = moment.change.events.find(
    ({ type, kv }) => type === "PUT" && kv.key.endsWith("/_handover"),
  );
  if (!written) return undefined;
  const { lock } = moment.before;
  if (group.lock || !lock?.run) return "a hand-over was written by somebody who did not hold the lock";
  const { run, waitMs } = lock;
  if (!written.kv.value.includes(JSON.stringify(run.node)))
    return `a hand-over was written by another than ${run.id}`;
  const waited = waitedMs(lock, run, moment.now);
  if (waited < waitMs) return `${run.id} wrote a hand-over after it had waited ${waited} of ${waitMs} ms`;
  const alive = [...runs].filter(
    (each) =>
      each.published &&
      (each === run ? each.programs.size : executing(each).length) > 0 &&
      (each === run || !lostTime(each)),
  );
  if (alive.length > 0)
    return `${run.id} wrote a hand-over while ${alive.map(({ id }) => id)} had something running`;
  return undefined;
};
