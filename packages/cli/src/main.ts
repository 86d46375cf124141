import { asCommandError, CommandError } from "./command-error.ts";
import { runMsdha } from "./run-msdha.ts";

const stop = new AbortController();
/** As a shell shows SIGPIPE, and EX_IOERR of sysexits.h. */
const CLOSED_OUTPUT = 141;
const FAILED_OUTPUT = 74;
/** Why not all of the result was written. */
let outputCode = 0;
/** How a command ends that is interrupted, and has nothing to say of what it has changed. */
let stoppedCode: number | undefined;
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => end(128 + number, signal));
}
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Nobody reads any more (`msdha events --follow | head`), which is nothing to speak of; a full disk is.
  const isClosed = error.code === "EPIPE";
  if (!isClosed && outputCode === 0)
    process.stderr.write(`msdha: the output can't be written: ${error.message}\n`);
  outputCode ||= isClosed ? CLOSED_OUTPUT : FAILED_OUTPUT;
  end(outputCode, "a standard output that takes nothing more");
});

const { stdout } = process;
const isDumb = process.env["TERM"] === "dumb";
try {
  process.exitCode = await runMsdha(process.argv.slice(2), {
    environment: process.env,
    write: (text) => stdout.write(text),
    writeNote: (text) => process.stderr.write(text),
    terminal: {
      // A dumb one, as in an editor, draws nothing again: it gets what a pipe gets.
      isTerminal: stdout.isTTY === true && !isDumb,
      // Asked each time: a terminal changes its size.
      get width() {
        return stdout.isTTY ? stdout.columns || 80 : Math.max(0, Number(process.env["COLUMNS"])) || 200;
      },
      isColourful: stdout.isTTY === true && !process.env["NO_COLOR"] && !isDumb,
    },
    confirm: process.stdin.isTTY && stdout.isTTY ? askYesOrNo : undefined,
    now: Date.now,
    signal: stop.signal,
  });
} catch (error) {
  if (stoppedCode === undefined || error instanceof CommandError) {
    const { exitCode, message } = asCommandError(error);
    for (const line of message.split("\n")) process.stderr.write(`msdha: ${line}\n`);
    process.exitCode = exitCode;
  } else process.exitCode = stoppedCode;
}

// What is still on its way, such as the answer of a resolver, must not hold the command up.
process.stderr.write("", () => stdout.write("", () => process.exit(process.exitCode || outputCode)));

function end(code: number, why: string): void {
  stoppedCode ??= code;
  stop.abort(new Error(`ended by ${why}`));
}

/** Whether the answer is yes. Ctrl-C, or the end of the input, is a no. */
async function askYesOrNo(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: stdout });
  const closed = new Promise<undefined>((resolve) => lines.once("close", () => resolve(undefined)));
  const answered = lines.question(`${question} [y/N] `, { signal: stop.signal }).catch(() => undefined);
  const answer = await Promise.race([answered, closed]);
  lines.close();
  // What is said next has a line of its own.
  if (answer === undefined) stdout.write("\n");
  stop.signal.throwIfAborted();
  return /^y(?:es)?$/i.test(answer?.trim() ?? "");
}
