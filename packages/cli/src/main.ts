import { asCommandError } from "./command-error.ts";
import { runMsdha } from "./run-msdha.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + (signal === "SIGINT" ? 2 : 15);
    stop.abort(new Error(signal));
  });
}
// Nobody reads any more: `msdha history | head`.
process.stdout.on("error", () => process.exit(141));

const { stdout } = process;
try {
  process.exitCode ||= await runMsdha(process.argv.slice(2), {
    environment: process.env,
    write: (text) => stdout.write(text),
    terminal: {
      isTerminal: stdout.isTTY === true,
      width: stdout.isTTY ? stdout.columns || 80 : Number(process.env["COLUMNS"]) || 200,
      isColourful: stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb",
    },
    confirm: process.stdin.isTTY && stdout.isTTY ? askYesOrNo : undefined,
    now: Date.now,
    signal: stop.signal,
  });
} catch (error) {
  if (!stop.signal.aborted) {
    const { exitCode, message } = asCommandError(error);
    for (const line of message.split("\n")) process.stderr.write(`msdha: ${line}\n`);
    process.exitCode = exitCode;
  }
}

// What is still on its way, such as the answer of a resolver, must not hold the command up.
process.stderr.write("", () => stdout.write("", () => process.exit()));

async function askYesOrNo(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: stdout });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `, { signal: stop.signal })).trim());
  } finally {
    lines.close();
  }
}
