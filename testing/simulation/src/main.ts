import { findMutations } from "./commands/find-mutations.ts";
import { replayToCrash } from "./commands/replay-to-crash.ts";
import { runMany } from "./commands/run-many.ts";
import { readOptions, USAGE, UsageError } from "./read-options.ts";
import { ThreadEndedError } from "./run-seeds.ts";

/** As of a program that ends by SIGPIPE, which Node ignores. */
const NOBODY_READS = 141;

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(NOBODY_READS);
  });
}

process.exit(await main());

async function main(): Promise<number> {
  try {
    const request = readOptions(process.argv.slice(2));
    switch (request.kind) {
      case "help":
        process.stdout.write(USAGE);
        return 0;
      case "seed":
        return await replayToCrash(request.seed, request.options);
      case "mutations":
        return await findMutations(request.batch);
      case "seeds":
        return await runMany(request.batch);
    }
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ThreadEndedError)) throw error;
    process.stderr.write(`script/simulate: ${error.message}\n`);
    return error instanceof UsageError ? 64 : 70;
  }
}
