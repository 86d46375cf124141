import { HookNotRunnableError, type HookRunner } from "@msdha/hook-runner";

/** Every hook of a node. A new one is named here first; docs/backend.md says what each does. */
export const hookNames = [
  "pre_start",
  "start",
  "running_not_ready",
  "ready",
  "candidate",
  "master",
  "node_state_change",
  "alive",
  "report",
  "pre_stop",
  "stopped",
] as const;

export type HookName = (typeof hookNames)[number];

/** The hooks that run once, at a change of state or in a stop. `start` is the main process itself. */
export type StateHook = Exclude<HookName, "start" | "candidate" | "node_state_change" | "alive" | "report">;

/** Which of the hooks that change what a node does are there. */
export interface PresentHooks {
  readonly candidate: boolean;
  readonly stopped: boolean;
}

/** Resolves with the file of the `start` hook. Rejects if there is none, or if it can't be run. */
export async function findStart(hooks: HookRunner): Promise<string> {
  const file = await hooks.find("start");
  if (file !== undefined) return file;
  throw new HookNotRunnableError("start", "start", "there is none, and it is required");
}

/** Looks for every hook. Rejects if one can't be run: at the start, and not in the middle of a failover. */
export async function findHooks(hooks: HookRunner): Promise<PresentHooks> {
  const present = new Set<HookName>();
  for (const hook of hookNames) if ((await hooks.find(hook)) !== undefined) present.add(hook);
  await findStart(hooks);
  return { candidate: present.has("candidate"), stopped: present.has("stopped") };
}
