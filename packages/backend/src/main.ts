import { Command } from "commander";
import { askClaim, askGet, askPut, askStatus } from "./control-client.ts";

const DEFAULT_RUN_DIR = "/run/msdha";

const program = new Command("msdha-backend")
  .description("Supervises one copy of a single-master program. Its settings are read from the environment.")
  .action(async () => {
    // Loaded only here: the other commands run every few seconds, or in a hook, and need none of it.
    const { startBackend } = await import("./start-backend.ts");
    process.exit(await startBackend(process.env));
  });

program
  .command("claim <key> <value>")
  .description("Store a value with the group unless it has one; print the one that it has. For hooks.")
  .option("--lease", "keep it only as long as this node lives", false)
  .action(async (key: string, value: string, { lease }: { lease: boolean }) => {
    process.stdout.write(`${await askClaim(runDir(), { key, value, lease })}\n`);
  });

program
  .command("put <key> <value>")
  .description(
    "Store a value with the group, replacing what is there. Only on the master, guarded by its token.",
  )
  .action(async (key: string, value: string) => {
    await askPut(runDir(), { key, value });
  });

program
  .command("get <key>")
  .description("Print a value that a master has put. Fails when there is none.")
  .action(async (key: string) => {
    const value = await askGet(runDir(), key);
    if (value === undefined) throw new Error(`the group has no value ${JSON.stringify(key)}`);
    process.stdout.write(`${value}\n`);
  });

program
  .command("status")
  .description("Print what the node of this container knows, as JSON.")
  .action(async () => {
    process.stdout.write(`${JSON.stringify(await askStatus(runDir()))}\n`);
  });

program
  .command("nodes")
  .description("Print the nodes that this one knows, one a line: name, state, address. For hooks.")
  .action(async () => {
    const { nodes, addresses } = await askStatus(runDir());
    for (const [name, state] of Object.entries(nodes)) {
      process.stdout.write(`${name} ${state} ${Object.hasOwn(addresses, name) ? addresses[name] : name}\n`);
    }
  });

program
  .command("healthcheck")
  .description("Succeed when the node of this container runs and is not about to end.")
  .action(async () => {
    const { state, ending } = await askStatus(runDir());
    if (ending) throw new Error("the node is ending");
    process.stdout.write(`${state}\n`);
  });

function runDir(): string {
  return process.env["MSDHA_RUN_DIR"] || DEFAULT_RUN_DIR;
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`msdha-backend: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
