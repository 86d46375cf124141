import type { Invariant } from "../facts/moment.ts";

/** Each `master` hook is started with a fencing token that is larger than every one before it, since the last restore. */
export const tokensRise: Invariant = (moment, facts) => {
  if (moment.kind !== "start" || moment.program !== "master") return undefined;
  const token = Number(moment.env["MSDHA_FENCING_TOKEN"]);
  const { lastToken } = facts;
  facts.lastToken = Math.max(token, lastToken);
  if (token > lastToken) return undefined;
  return `${moment.run.id} got the fencing token ${token} after ${lastToken} had been given out`;
};
