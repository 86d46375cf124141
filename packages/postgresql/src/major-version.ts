import type { HookContext } from "./context.ts";

/** Resolves with the major version of PostgreSQL's programs: that of the data, and of all servers of the group. */
export async function majorVersion({ program, run }: Pick<HookContext, "program" | "run">): Promise<number> {
  const { stdout } = await run([program("postgres"), "--version"]);
  return Number(/\d+/.exec(stdout)?.[0] ?? 0);
}
