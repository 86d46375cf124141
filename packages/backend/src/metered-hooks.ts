import type { HookRunner } from "@msdha/hook-runner";

/** Takes how long a run of a hook took, and whether it failed. */
export type NoteRun = (hook: string, seconds: number, failed: boolean) => void;

/** Returns the same hooks, whose runs are noted. A hook that there is not has no run; one that the node ended has failed. */
export function meterHooks(hooks: HookRunner, note: NoteRun, now: () => number): HookRunner {
  return {
    find: (hook) => hooks.find(hook),
    async run(hook, options) {
      const begun = now();
      const seconds = (): number => (now() - begun) / 1_000;
      try {
        const ran = await hooks.run(hook, options);
        if (ran) note(hook, seconds(), false);
        return ran;
      } catch (error) {
        note(hook, seconds(), true);
        throw error;
      }
    },
  };
}
