import type { Invariant } from "../facts/moment.ts";

/** The `stopped` hook cleans up behind everything: nothing else of its run is alive when it starts. */
export const cleansUpAlone: Invariant = (moment) => {
  if (moment.kind !== "start" || moment.program !== "stopped") return undefined;
  const others = [...moment.run.programs].filter(({ name }) => name !== "stopped");
  if (others.length === 0) return undefined;
  return `${moment.run.id} runs stopped beside ${others.map(({ name }) => name).join(", ")}`;
};
