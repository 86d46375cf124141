import { keepGuard } from "./keep-guard.ts";
import type { Mutation } from "./mutation.ts";

export const everyEndIsClean: Mutation = {
  rule: "7: a run that was killed, or could not run its stopped hook, leaves word of a clean end",
  noticedBy: "formerEndIsTold",
  collaborators: {
    files: (files) => ({ ...files, setEnd: (end) => files.setEnd({ ...end, end: "clean" }) }),
  },
};

export const cleansUpBesideOthers: Mutation = {
  rule: "3: the stopped hook runs when the main process has ended, whatever else is alive",
  noticedBy: "cleansUpAlone",
  collaborators: {
    guard: (guard) => ({
      ...keepGuard(guard),
      gone: async () => {},
      killAll: async () => ({ killed: 0, someKilled: [] }),
    }),
  },
};
