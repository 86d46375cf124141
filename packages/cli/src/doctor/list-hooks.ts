import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

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

/** Looks at the hooks of a folder. Returns undefined where there is no such folder: this is no node. */
export function listHooks(dir: string): HookFolder | undefined {
  if (!existsSync(dir)) return undefined;
  try {
    const names = readdirSync(dir);
    const hooks = HOOKS.filter((hook) => names.includes(hook));
    return {
      hooks: hooks.toSorted().map((name) => ({ name, fault: findFault(join(dir, name)) })),
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

function findFault(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return "it is not a file";
    accessSync(file, constants.X_OK);
    return findScriptFault(readFileSync(file, "latin1").split("\n", 1)[0] ?? "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "it is a link to a file that is not there";
    return code === "EACCES" ? "it is not executable (chmod +x)" : (code ?? String(error));
  }
}

function findScriptFault(firstLine: string): string | undefined {
  const interpreter = /^#![ \t]*([^ \t\r]+)/.exec(firstLine)?.[1];
  if (interpreter === undefined) return undefined;
  if (firstLine.endsWith("\r"))
    return "its first line ends with a carriage return (save it with Unix line ends)";
  return existsSync(interpreter) ? undefined : `its interpreter ${interpreter} is missing`;
}
