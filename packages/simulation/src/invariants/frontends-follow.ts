import type { Invariant } from "../facts/moment.ts";

/** How long a frontend may take to carry out what it was told. */
const CARRY_OUT_MS = 60;

/** A frontend sends no new session to a node that it could know is not the master, and never to two at once. */
export const frontendsFollow: Invariant = (moment, { frontends }) => {
  if (moment.kind !== "step") return undefined;
  for (const { name, process, targets, told } of frontends) {
    const now = targets();
    if (now.length > 1) return `${name} sends new sessions to ${now.join(" and ")}`;
    const [target] = now;
    if (target === undefined || !told) continue;
    const master = told.mastership.kind === "master" ? told.mastership.name : undefined;
    const since = Math.max(told.at, process.thawedAt);
    if (target === master || process.frozen || moment.now - since < CARRY_OUT_MS) continue;
    return `${name} sends new sessions to ${target} long after it was told that the master is ${master ?? "nobody"}`;
  }
  return undefined;
};
