import { describeError } from "@msdha/app";
import { readVariable } from "@msdha/settings/given";
import { Command } from "commander";
import { askStatus } from "./ask-status.ts";
import { judgeHealth } from "./health.ts";
import { DEFAULT_RUN_DIR } from "./run-dir.ts";

const program = new Command("msdha-frontend")
  .description(
    "Sends all TCP traffic on a port to the current master. Its settings are read from the environment.",
  )
  .action(async () => {
    // Loaded only here: the other commands run every few seconds and need none of it.
    const { startFrontend } = await import("./start-frontend.ts");
    process.exit(await startFrontend(process.env));
  });

program
  .command("status")
  .description("Print what the frontend of this container knows, as JSON.")
  .action(async () => {
    process.stdout.write(`${JSON.stringify(await askStatus(runDir()))}\n`);
  });

program
  .command("healthcheck")
  .description(
    "Succeed when the frontend of this container takes connections; they may have to wait for a master.",
  )
  .option("--ready", "succeed only when there is a master to send them to", false)
  .action(async ({ ready }: { ready: boolean }) => {
    const { code, text } = judgeHealth(await askStatus(runDir()), { ready });
    (code === 0 ? process.stdout : process.stderr).write(text);
    process.exitCode = code;
  });

function runDir(): string {
  return readVariable(process.env, "MSDHA_RUN_DIR") ?? DEFAULT_RUN_DIR;
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`msdha-frontend: ${describeError(error)}\n`);
  process.exit(1);
});
