import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { root } from "./images.ts";

/** The commands of a page, as they stand in its blocks of shell: for each block those of its lines that are no comments. */
export async function readBlocks(page: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(page, "utf8");
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) =>
    block
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.startsWith("#")),
  );
}

/** Runs one command after the other, each in the folder that the last `cd` led to. */
export type Shell = (
  command: string,
  options?: { readonly signal?: AbortSignal; readonly onLine?: (line: string) => void },
) => Promise<string>;

export function startShell(env: Readonly<Record<string, string>>): Shell {
  let cwd = root;
  return async (command, { signal, onLine = () => {} } = {}) => {
    const [, folder] = /^cd (\S+)$/.exec(command) ?? [];
    if (folder !== undefined) {
      cwd = join(cwd, folder);
      return "";
    }
    const running = execa("bash", ["-euo", "pipefail", "-c", command], {
      cwd,
      env,
      timeout: 300_000,
      stdin: "ignore",
      killDescendants: true,
      ...(signal && { cancelSignal: signal, forceKillAfterDelay: 5_000 }),
    });
    for await (const line of running) onLine(line);
    return (await running).stdout;
  };
}
