import { demonstrate } from "./demonstrate.ts";
import { readOptions } from "./options.ts";

const options = readOptions(process.argv.slice(2));
const interrupted = new AbortController();
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
let exitCode: number | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    exitCode ??= exitCodes[signal];
    interrupted.abort(new Error("interrupted"));
  });
}

try {
  await demonstrate(options, { signal: interrupted.signal });
} catch (error) {
  exitCode ??= 1;
  process.stderr.write(`script/demo: ${error instanceof Error ? error.message : String(error)}\n`);
}
process.exit(exitCode);
