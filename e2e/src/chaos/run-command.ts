import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a command to its end and resolves with what it printed; rejects with its own words when it fails. */
export async function runCommand(
  file: string,
  args: readonly string[],
  {
    timeoutMs = 10_000,
    env = process.env,
  }: { readonly timeoutMs?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { stdout } = await execute(file, args, { timeout: timeoutMs, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
