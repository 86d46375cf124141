import { Command, CommanderError } from "commander";
import { CommandError } from "./command-error.ts";
import type { Context } from "./context.ts";
import { declareCommands } from "./declare-commands.ts";
import { exitCodes } from "./exit-codes.ts";
import { plain } from "./render/plain.ts";

/**
 * Carries out a command line. Resolves with its exit code. Rejects with what went wrong: `asCommandError` says how the
 * command ends then.
 */
export async function runMsdha(argv: readonly string[], context: Context): Promise<number> {
  const program = new Command("msdha")
    .description("Shows an MSDHA group, and moves its master on purpose. See docs/operating.md.")
    .option("-g, --group <name>", "the group (default: MSDHA_GROUP)")
    .option("--endpoints <urls>", "etcd's URLs, comma-separated (default: ETCDCTL_ENDPOINTS)")
    .exitOverride()
    .configureOutput({
      writeOut: context.write,
      writeErr: () => {},
    })
    .showSuggestionAfterError()
    .helpCommand(false);
  let code: number = exitCodes.done;
  declareCommands(program, context, (found) => {
    code = found;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.done;
    const message = error.message
      .replace(/^error: /, "")
      .replaceAll("\n", " ")
      .replace(/\.$/, "");
    throw new CommandError(exitCodes.usage, `${plain(message)}; see msdha --help`);
  }
}
