import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { waitFor } from "@msdha/testkit";
import type { ChaosNode } from "../node.ts";
import { type Begun, type Fault, type FaultContext, pickNode } from "./fault.ts";

const HOOK_FAILED = 70;
/** A hook whose file is open for writing is tried for 10 s. */
const SURELY_SHORT_MS = 8_000;
const READERS_LIMIT_MS = 2_000;
const ALL = ["start", "running_not_ready", "master", "node_state_change"] as const;
/** The files that somebody is editing. */
const edited = new Set<string>();

/** Hooks that somebody edits while the group runs. */
export const hookFaults: readonly Fault[] = [
  {
    name: "hold a hook's file open for writing",
    weight: 2,
    begin: (context) =>
      edit(context, ALL, async ({ file }) => {
        const fd = await openForWriting(file);
        return { ...lasting(context), end: () => closeSync(fd) };
      }),
  },
  {
    name: "write a hook in two halves",
    weight: 2,
    begin: (context) =>
      edit(context, ALL, async ({ node, file, whole }) => {
        const fd = await truncateToHalf(node, file);
        return {
          ...lasting(context),
          end() {
            writeSync(fd, whole, 0);
            closeSync(fd);
          },
        };
      }),
  },
  {
    // Not `node_state_change`: a call that fails is not told again by default.
    name: "leave a hook half-written",
    begin: (context) =>
      edit(context, ["start", "running_not_ready", "master"], async ({ node, file, whole }) => {
        closeSync(await truncateToHalf(node, file));
        if (context.random.chance(0.5)) node.askToStop();
        return {
          lastsMs: context.random.between(300, 4 * context.ttlMs),
          fails: true,
          // It is refused while the file is just being executed, and tried again then.
          end: () => writeFileSync(file, whole),
        };
      }),
  },
];

interface Hook {
  readonly node: ChaosNode;
  readonly file: string;
  readonly whole: string;
}

interface Edit {
  readonly lastsMs: number;
  /** Whether the node may end for it. */
  readonly fails: boolean;
  readonly end: () => void;
}

async function edit(
  context: FaultContext,
  hooks: readonly string[],
  begin: (hook: Hook) => Promise<Edit>,
): Promise<Begun | undefined> {
  const node = pickNode(context);
  const file = join(node.hooksDir, context.random.pick(hooks));
  if (edited.has(file)) return undefined;
  edited.add(file);
  try {
    const { lastsMs, fails, end } = await begin({ node, file, whole: readFileSync(file, "utf8") });
    const endAllowed = fails ? context.allowExit(HOOK_FAILED, [node.name]) : () => {};
    return {
      target: `${node.name}, ${basename(file)}`,
      lastsMs,
      end() {
        end();
        endAllowed();
        edited.delete(file);
      },
    };
  } catch (error) {
    edited.delete(file);
    throw error;
  }
}

/** As long as an editor takes, or longer than a hook is waited for. */
function lasting({ random }: FaultContext): Pick<Edit, "lastsMs" | "fails"> {
  const lastsMs = random.chance(0.8) ? random.between(50, SURELY_SHORT_MS) : random.between(9_000, 15_000);
  return { lastsMs, fails: lastsMs > SURELY_SHORT_MS };
}

/** The file of a hook that is just being started can't be opened for writing. */
async function openForWriting(file: string): Promise<number> {
  return await waitFor(async () => openSync(file, "r+"), {
    what: `${file} to open`,
    timeoutMs: READERS_LIMIT_MS,
  });
}

/** Resolves with a file that holds half of a hook, when no shell reads the whole one any more. */
async function truncateToHalf(node: ChaosNode, file: string): Promise<number> {
  const text = readFileSync(file, "utf8");
  const fd = await openForWriting(file);
  try {
    await waitFor(() => !node.processes().some(({ command }) => command.startsWith(`/bin/sh ${file}`)), {
      what: `the shells that read ${file}`,
      timeoutMs: READERS_LIMIT_MS,
      intervalMs: 20,
    });
    // Within the first quotes, so that it is no program: nothing is to run as if it were whole.
    ftruncateSync(fd, text.indexOf('"') + 2);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
