import { fork } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { GroupCommands } from "../postgresql-group/group-commands.ts";
import type { Reply, Request } from "./group-process.ts";

const program = fileURLToPath(new URL("group-process.ts", import.meta.url));

/** The group as the demo sees it. Disposing ends the group, unless it was detached, and resolves when it is gone. */
export type GroupHandle = GroupCommands & AsyncDisposable;

/**
 * Starts the process that looks after the group. It has a session of its own: a Ctrl-C reaches the demo alone, which
 * then ends it in good order. Every command rejects once that process is gone.
 */
export function startGroupProcess(logFile: string): GroupHandle {
  const log = openSync(logFile, "a");
  const child = fork(program, { detached: true, stdio: ["ignore", log, log, "ipc"] });
  closeSync(log);
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;

  child.on("message", ({ id, result, error }: Reply) => {
    const call = open.get(id);
    open.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      for (const call of open.values())
        call.reject(new Error(`the group's process ended (${signal ?? code})`));
      resolve();
    });
  });

  async function call(method: Request["method"], ...args: unknown[]): Promise<unknown> {
    if (!child.connected) throw new Error("the group's process has ended");
    const id = ++lastId;
    const answer = Promise.withResolvers<unknown>();
    open.set(id, answer);
    child.send({ id, method, args } satisfies Request);
    return await answer.promise;
  }

  const command =
    <K extends keyof GroupCommands>(method: K) =>
    (...args: Parameters<GroupCommands[K]>): ReturnType<GroupCommands[K]> =>
      call(method, ...args) as ReturnType<GroupCommands[K]>;
  let detached = false;
  return {
    open: command("open"),
    start: command("start"),
    startNode: command("startNode"),
    stopNode: command("stopNode"),
    killNode: command("killNode"),
    crashMainProcess: command("crashMainProcess"),
    cutFromEtcd: command("cutFromEtcd"),
    reconnectToEtcd: command("reconnectToEtcd"),
    stopEtcd: command("stopEtcd"),
    startEtcd: command("startEtcd"),
    countExits: command("countExits"),
    async detach() {
      const pid = (await call("detach")) as number;
      detached = true;
      return pid;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      if (detached) child.unref();
      else await exited;
    },
  };
}
