import { withMany } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";

export const masterWithoutProof: Mutation = {
  rule: "who is master, for readers: a frontend believes what it saw last for as long as it sees nothing",
  noticedBy: "noSessionToFormer",
  collaborators: { frontendsNeedNoProof: true },
  circumstances: withMany("blindFrontend"),
};
