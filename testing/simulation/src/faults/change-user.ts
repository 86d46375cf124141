import { type Fault, masterOrAny, someTime } from "./fault.ts";

/** Something that a node runs becomes another user's, whose processes its guard may not signal (`EPERM`), for a while. */
export const changeUser: Fault = (group, random) => {
  const { run } = masterOrAny(group, random);
  if (!run || run.programs.size === 0) return;
  const program = random.pick([...run.programs]);
  group.world.trace(run.id, () => `${program.name} becomes another user's, who may not be signalled`);
  program.changeUser(someTime(group, random));
};
