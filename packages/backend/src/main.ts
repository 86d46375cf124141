import { readVariable } from "@msdha/settings/given";
import { Command } from "commander";
import { askNode, rawArguments } from "./control-client.ts";
import { declareControlCommands } from "./control-commands.ts";

// bin/msdha-backend sets "01" for this process alone: the node's programs must not inherit it. Any other value is the user's.
if (process.env["MALLOC_ARENA_MAX"] === "01") delete process.env["MALLOC_ARENA_MAX"];

const DEFAULT_RUN_DIR = "/run/msdha";

const program = new Command("msdha-backend")
  .description("Supervises one copy of a single-master program. Its settings are read from the environment.")
  .action(async () => {
    // Loaded only here: who asks for help needs none of it.
    const { startBackend } = await import("./start-backend.ts");
    process.exit(await startBackend(process.env));
  });

// bin/msdha-backend has the guard's program ask, where it can, which takes far less time than to get here.
declareControlCommands(program, async () => {
  const runDir = readVariable(process.env, "MSDHA_RUN_DIR") ?? DEFAULT_RUN_DIR;
  const { code, text } = await askNode(runDir, rawArguments(process.argv.length - 2));
  (code === 0 ? process.stdout : process.stderr).write(text);
  process.exitCode = code;
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`msdha-backend: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
