/**
 * The process that a demo's group hangs on: it starts everything, restarts what ends, and ends it all when the demo
 * is gone in whatever way. It obeys the demo over Node's own channel.
 */
import { rm } from "node:fs/promises";
import { createGroup } from "../postgresql-group/group.ts";
import type { GroupCommands, GroupSettings } from "../postgresql-group/group-commands.ts";

export interface Request {
  readonly id: number;
  readonly method: keyof GroupCommands;
  readonly args: readonly unknown[];
}

export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

const group = createGroup();
let folder: string | undefined;
let detached = false;
let ending = false;

const commands: GroupCommands = {
  ...group,
  async open(settings: GroupSettings) {
    folder = settings.layout.folder;
    return await group.open(settings);
  },
  async detach() {
    detached = true;
    return process.pid;
  },
};

process.on("message", async ({ id, method, args }: Request) => {
  const act = commands[method] as (...args: readonly unknown[]) => Promise<unknown>;
  const reply: Reply = await act(...args).then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, error: error instanceof Error ? error.message : String(error) }),
  );
  if (process.connected) process.send?.(reply);
});
process.on("disconnect", () => {
  if (!detached) end();
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);

function end(): void {
  if (ending) return;
  ending = true;
  void endAll();
}

async function endAll(): Promise<void> {
  await group[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit();
}
