import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandError } from "./command-error.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { plain } from "./render/plain.ts";
import { parseDuration } from "./requests/parse-duration.ts";

/** Declares every command. What a command needs is loaded only when it is called. */
export function declareCommands(
  program: Command,
  context: Context,
  /** Called with the exit code of a command that has others than 0. */
  onCode: (code: number) => void,
): void {
  program
    .command("list", { isDefault: true })
    .description("show the whole group: master, nodes, and how the master came to be")
    .option("-w, --watch", "draw it again with every change; into a pipe: a line for each change")
    .option("--json", "print one line of JSON")
    .allowExcessArguments()
    .action(async (_options, command: Command) => {
      refuseUnknown(program, command.args);
      const { list } = await import("./commands/list.ts");
      await list(context, command.optsWithGlobals());
    });

  program
    .command("master")
    .description("print the master's name, for scripts; 1: there is none")
    .option("--json", "print one line of JSON")
    .action(async (_options, command: Command) => {
      const { master } = await import("./commands/master.ts");
      await master(context, command.optsWithGlobals());
    });

  program
    .command("history")
    .description("list the masters so far: when each began and ended, and why")
    .option("-n, --count <number>", "how many masters at most", readCount, 200)
    .option("--json", "print one line of JSON")
    .action(async (_options, command: Command) => {
      const { history } = await import("./commands/events.ts");
      await history(context, command.optsWithGlobals());
    });

  program
    .command("events")
    .description("print what happened, a line for each change")
    .option("-f, --follow", "go on with what happens from now on")
    .option("--json", "print a line of JSON for each change")
    .action(async (_options, command: Command) => {
      const { events } = await import("./commands/events.ts");
      await events(context, command.optsWithGlobals());
    });

  declareRequests(program, context);
  declareChecks(program, context, onCode);
}

/** What looks at the machine, and at the command itself. */
function declareChecks(program: Command, context: Context, onCode: (code: number) => void): void {
  program
    .command("doctor")
    .description(
      "check etcd, rights, the group and this machine, and say what to do; 0: well, 1: warnings, 3: errors",
    )
    .option(
      "--compose <file>",
      "check a compose file instead; -: what docker compose config --format json prints",
    )
    .option("--json", "print one line of JSON")
    .action(async (_options, command: Command) => {
      const { doctor } = await import("./commands/doctor.ts");
      onCode(await doctor(context, command.optsWithGlobals()));
    });

  program
    .command("report")
    .description(
      "write one archive for a bug report: group, history, doctor, settings, logs; without secrets",
    )
    .option("-o, --output <file>", "where (default: a new file in this folder); -: standard output")
    .option("--log <files...>", "logs whose ends are added; -: standard input")
    .option("--json", "print one line of JSON")
    .action(async (_options, command: Command) => {
      const { report } = await import("./commands/report.ts");
      await report(context, command.optsWithGlobals());
    });

  program
    .command("completion")
    .argument("<shell>", "bash, zsh or fish")
    .description("print what a shell needs to complete this command's words")
    .action(async (shell: string) => {
      const { renderCompletion } = await import("./render/completion.ts");
      context.write(renderCompletion(shell, program));
    });

  program
    .command("help")
    .argument("[command]")
    .description("print what the command, or a command of it, takes")
    .action((name: string | undefined) => {
      const shown = name === undefined ? program : program.commands.find((each) => each.name() === name);
      if (!shown) throw unknownCommand(program, name ?? "");
      shown.outputHelp();
    });
}

/** What changes something: each is a request to nodes, which they may refuse. */
function declareRequests(program: Command, context: Context): void {
  declareMasterRequests(program, context);
  declareNodeRequests(program, context);
  declarePromote(program, context);
}

/** Who may be the master. */
function declareMasterRequests(program: Command, context: Context): void {
  program
    .command("switchover")
    .argument("[node]", "the node that should be the master (default: the group chooses)")
    .description("move the master to another node, and show each step with its time")
    .option("--why <text>", "the reason, for logs and history")
    .option("--after <time>", "begin only after this time (10m)", parseDuration)
    .addOption(timeout("how long it may take until another node takes connections", "2m"))
    .option("-y, --yes", "do not ask first")
    .option("--json", "print one line of JSON at the end")
    .action(async (node: string | undefined, _options, command: Command) => {
      const { switchover } = await import("./commands/switchover.ts");
      await switchover(context, node, command.optsWithGlobals());
    });

  program
    .command("pause")
    .description("keep every node from taking the lock; the present master stays the master")
    .option("--for <time>", "end it after this time (default: msdha resume ends it)", parseDuration)
    .option("--why <text>", "the reason, for logs and msdha list")
    .option("--json", "print one line of JSON")
    .action(async (_options, command: Command) => {
      const { pause } = await import("./commands/pause.ts");
      await pause(context, command.optsWithGlobals());
    });

  program
    .command("resume")
    .description("end a pause")
    .option("--json", "print one line of JSON")
    .action(async (_options, command: Command) => {
      const { resume } = await import("./commands/pause.ts");
      await resume(context, command.optsWithGlobals());
    });

  program
    .command("hold")
    .argument("<node>")
    .description("keep one node from taking the lock; a master stays the master")
    .option("--for <time>", "end it after this time (default: msdha release ends it)", parseDuration)
    .option("--why <text>", "the reason, for logs and msdha list")
    .option("--json", "print one line of JSON")
    .action(async (node: string, _options, command: Command) => {
      const { hold } = await import("./commands/pause.ts");
      await hold(context, node, command.optsWithGlobals());
    });

  program
    .command("release")
    .argument("<node>")
    .description("end a hold")
    .option("--json", "print one line of JSON")
    .action(async (node: string, _options, command: Command) => {
      const { release } = await import("./commands/pause.ts");
      await release(context, node, command.optsWithGlobals());
    });
}

/** What nodes do to themselves. */
function declareNodeRequests(program: Command, context: Context): void {
  program
    .command("restart")
    .argument("[node]")
    .description("restart a node, or all that are there, one after the other")
    .option("--rolling", "all nodes: the slaves first, each waited for, then the master by a switchover")
    .option("--why <text>", "the reason, for logs and history")
    .addOption(timeout("how long one node may take until it is ready again", "10m"))
    .option("-y, --yes", "do not ask first")
    .option("--json", "print one line of JSON at the end")
    .action(async (node: string | undefined, _options, command: Command) => {
      const { restart } = await import("./commands/restart.ts");
      await restart(context, node, command.optsWithGlobals());
    });

  program
    .command("reinit")
    .argument("<node>")
    .description("discard a slave's data and copy it again from the master; its pre_start hook does that")
    .option("--cancel", "take such a request back, also of a node that is not there")
    .option("--why <text>", "the reason, for logs")
    .addOption(timeout("how long it may take until the node is ready again", "1h"))
    .option("-y, --yes", "do not ask first")
    .option("--json", "print one line of JSON at the end")
    .action(async (node: string, _options, command: Command) => {
      const { reinit } = await import("./commands/reinit.ts");
      await reinit(context, node, command.optsWithGlobals());
    });
}

function declarePromote(program: Command, context: Context): void {
  program
    .command("promote")
    .argument("<node>")
    .description("make a node the master though data may be lost, where no node may be the master otherwise")
    .option("--accept-loss", "required: what other nodes have more is lost")
    .option("--why <text>", "the reason, for logs and history")
    .addOption(timeout("how long it may take until it takes connections", "2m"))
    .option("-y, --yes", "do not ask first")
    .option("--json", "print one line of JSON at the end")
    .action(async (node: string, _options, command: Command) => {
      const { promote } = await import("./commands/promote.ts");
      await promote(context, node, command.optsWithGlobals());
    });
}

/** The option of a command that waits, with its default as an operator writes it. */
function timeout(description: string, usual: string): Option {
  return new Option("--timeout <time>", description)
    .argParser(parseDuration)
    .default(parseDuration(usual), usual);
}

/** What is no command is an argument of the default one. */
function refuseUnknown(program: Command, [name]: readonly string[]): void {
  if (name !== undefined) throw unknownCommand(program, name);
}

function unknownCommand(program: Command, name: string): CommandError {
  const known = program.commands.map((command) => command.name()).join(", ");
  return new CommandError(
    exitCodes.usage,
    `unknown command ${plain(JSON.stringify(name))}, expected one of: ${known}`,
  );
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError("expected a whole number from 1 on");
  }
  return count;
}
