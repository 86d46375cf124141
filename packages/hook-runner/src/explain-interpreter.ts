import { access, open } from "node:fs/promises";

/** Linux reads no more of a script's first line. */
const LONGEST_FIRST_LINE = 256;

/**
 * Returns what is wrong with the interpreter that a script names in its first line; undefined when nothing is found. The
 * kernel reports a missing interpreter as if the script itself were missing.
 */
export async function explainInterpreter(file: string): Promise<string | undefined> {
  const line = await readFirstLine(file).catch(() => "");
  const interpreter = /^#![ \t]*([^ \t\r]+)/.exec(line)?.[1];
  if (interpreter === undefined) return undefined;
  if (line.endsWith("\r"))
    return "its first line ends with a carriage return: save it with Unix line ends (LF)";
  try {
    await access(interpreter);
    return undefined;
  } catch {
    return `its interpreter ${interpreter} is missing`;
  }
}

async function readFirstLine(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(LONGEST_FIRST_LINE),
      0,
      LONGEST_FIRST_LINE,
      0,
    );
    return buffer.toString("utf8", 0, bytesRead).split("\n")[0] ?? "";
  } finally {
    await handle.close();
  }
}
