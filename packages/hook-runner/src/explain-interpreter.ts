import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";

/** Linux reads no more of a script's first line. */
const LONGEST_FIRST_LINE = 256;

/**
 * Returns what is wrong with the interpreter that a script names in its first line; undefined when nothing is found. The
 * kernel reports a missing interpreter as if the script itself were missing.
 */
export async function explainInterpreter(file: string): Promise<string | undefined> {
  const start = await readStart(file);
  if (start.startsWith("#!") && start.split("\n")[0]?.endsWith("\r"))
    return "its first line ends with a carriage return: save it with Unix line ends (LF)";
  if (/^#![ \t]*(?:\n|$)/.test(start)) return "its first line names no interpreter";
  return explainLongLine(start) ?? (await explainProgram(interpreterOf(start)));
}

/**
 * Resolves with what is wrong with a script whose interpreter Linux can't read, so that it does not take the file for a
 * script: then a shell would be given it, whatever it is written for. Undefined for any other file.
 */
export async function findUnreadableInterpreter(file: string): Promise<string | undefined> {
  return explainLongLine(await readStart(file));
}

/** `start` has a character for each byte. */
function explainLongLine(start: string): string | undefined {
  const [head] = /^#![ \t]*[^ \t\n\0]*/.exec(start) ?? [];
  if (head?.length !== LONGEST_FIRST_LINE) return undefined;
  return `its first line names an interpreter beyond the ${LONGEST_FIRST_LINE} bytes that Linux reads`;
}

function interpreterOf(start: string): string | undefined {
  const name = /^#![ \t]*([^ \t\r\n\0]+)/.exec(start)?.[1];
  return name === undefined ? undefined : Buffer.from(name, "latin1").toString();
}

async function explainProgram(interpreter: string | undefined): Promise<string | undefined> {
  if (interpreter === undefined) return undefined;
  const found = await stat(interpreter).catch(() => undefined);
  if (!found) return `its interpreter ${interpreter} is missing`;
  const executable =
    found.isFile() &&
    (await access(interpreter, constants.X_OK).then(
      () => true,
      () => false,
    ));
  return executable ? undefined : `its interpreter ${interpreter} can't be executed`;
}

async function readStart(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(LONGEST_FIRST_LINE),
      0,
      LONGEST_FIRST_LINE,
      0,
    );
    return buffer.toString("latin1", 0, bytesRead);
  } catch {
    return "";
  }
}
