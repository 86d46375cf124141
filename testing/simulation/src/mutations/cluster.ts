import { withMany, withThreeMembers } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";

export const foreignAnswersTaken: Mutation = {
  rule: "what is assumed: whatever answers at an endpoint is taken for a member of the cluster",
  noticedBy: "oneClusterAnswers",
  collaborators: { takesForeignAnswers: true },
  circumstances: (usual) => withThreeMembers(withMany("foreignMember")(usual)),
};
