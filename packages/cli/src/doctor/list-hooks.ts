import { existsSync, readdirSync } from "node:fs";
import { explainInterpreter, findHook, type HookNotRunnableError } from "@msdha/hook-runner";

/** What a node looks for in its folder of hooks. */
export const HOOKS: readonly string[] = [
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
];

/** A hook of the node, and why it can't be run. */
interface HookFacts {
  readonly name: string;
  readonly fault: string | undefined;
}

/** A folder of hooks, or why it can't be read. */
export type HookFolder =
  | {
      readonly hooks: readonly HookFacts[];
      /** Names that no hook has, and the hook that each was probably meant to be. */
      readonly misnamed: readonly { readonly name: string; readonly hook: string }[];
    }
  | { readonly dir: string; readonly why: string };

/** Looks at the hooks of a folder, as a node does. Resolves with undefined where there is no such folder: this is no node. */
export async function listHooks(dir: string): Promise<HookFolder | undefined> {
  if (!existsSync(dir)) return undefined;
  try {
    const names = readdirSync(dir);
    const hooks = HOOKS.filter((hook) => names.includes(hook));
    const facts = hooks.toSorted().map(async (name) => ({ name, fault: await findFault(dir, name) }));
    return {
      hooks: await Promise.all(facts),
      misnamed: names.flatMap((name) => {
        const hook = meantFor(name);
        return hook === undefined || hooks.includes(hook) ? [] : [{ name, hook }];
      }),
    };
  } catch (error) {
    return { dir, why: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/** `master.sh`, `Master` and `node-state-change` are no hooks: a node runs none of them, and says nothing of them. */
function meantFor(name: string): string | undefined {
  const plainName = name
    .replace(/\.(?:sh|bash|py|pl|rb|js)$/, "")
    .replaceAll("-", "_")
    .toLowerCase();
  return plainName === name ? undefined : HOOKS.find((hook) => hook === plainName);
}

async function findFault(dir: string, name: string): Promise<string | undefined> {
  try {
    const file = await findHook(dir, name);
    return file === undefined ? undefined : await explainInterpreter(file);
  } catch (error) {
    const { code, why } = error as Partial<HookNotRunnableError> & { readonly code?: string };
    return why ?? code ?? String(error);
  }
}
