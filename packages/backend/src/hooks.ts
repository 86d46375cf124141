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

/** Which of the hooks that change what a node does were there at its start. */
export interface PresentHooks {
  readonly candidate: boolean;
  readonly master: boolean;
  readonly pre_stop: boolean;
  readonly stopped: boolean;
}

/** Resolves with the file of the `start` hook. Rejects if there is none, or if it can't be run. */
export async function findStart(hooks: HookRunner, dir: string): Promise<string> {
  const file = await hooks.find("start");
  if (file !== undefined) return file;
  throw new HookNotRunnableError("start", `${dir}/start`, "there is none, and it is required");
}

/** Looks for every hook. Rejects if one can't be run: at the start, and not in the middle of a failover. */
export async function findHooks(hooks: HookRunner, dir: string): Promise<PresentHooks> {
  const present = new Set<HookName>();
  for (const hook of hookNames) if ((await hooks.find(hook)) !== undefined) present.add(hook);
  await findStart(hooks, dir);
  return {
    candidate: present.has("candidate"),
    master: present.has("master"),
    pre_stop: present.has("pre_stop"),
    stopped: present.has("stopped"),
  };
}

/**
 * Throws if a hook that was there at the start of the node is gone. Without it a node that has to say no would be promoted, a program
 * would not, or an address would stay: that is no way to switch a hook off.
 */
export function refuseGone(
  hook: keyof PresentHooks,
  { present, hooksDir }: { readonly present: PresentHooks; readonly hooksDir: string },
): void {
  if (present[hook])
    throw new HookNotRunnableError(
      hook,
      `${hooksDir}/${hook}`,
      "it was there when the node started, and is gone",
    );
}
