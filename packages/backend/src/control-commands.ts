import type { Command } from "commander";

/** What the running node does for hooks, health checks and people. */
export interface ControlCommands {
  readonly claim: (key: string, value: string, options: { readonly lease?: boolean }) => Promise<string>;
  readonly put: (key: string, value: string) => Promise<string>;
  readonly get: (key: string) => Promise<string>;
  readonly status: () => Promise<string>;
  readonly view: () => Promise<string>;
  readonly nodes: () => Promise<string>;
  readonly healthcheck: (options: { readonly ready?: boolean }) => Promise<string>;
}

/** Which of the commands was given, and with what. */
export type Call = (commands: ControlCommands) => Promise<string>;

/**
 * Declares the commands that the running node carries out. `act` gets what was called. The command line and the node
 * read a command by the same declaration. Options come before KEY: whatever follows it is taken as it is.
 */
export function declareControlCommands(program: Command, act: (call: Call) => Promise<void>): void {
  program.enablePositionalOptions();
  program
    .command("claim <key> <value>")
    .passThroughOptions()
    .description("Store a value with the group unless it has one; print the one that it has. For hooks.")
    .option("--lease", "keep it only as long as this node lives")
    .action((key: string, value: string, options: { lease?: boolean }) =>
      act((commands) => commands.claim(key, value, options)),
    );
  program
    .command("put <key> <value>")
    .passThroughOptions()
    .description(
      "Store a value with the group, replacing what is there. Only on the master, guarded by its token.",
    )
    .action((key: string, value: string) => act((commands) => commands.put(key, value)));
  program
    .command("get <key>")
    .passThroughOptions()
    .description("Print a value that a master has put. Fails with 2 when there is none.")
    .action((key: string) => act((commands) => commands.get(key)));
  program
    .command("status")
    .description("Print what the node of this container knows, as JSON.")
    .action(() => act((commands) => commands.status()));
  program
    .command("view")
    .description(
      "Print all that this node knows of its group, as JSON. For msdha, where etcd does not answer.",
    )
    .action(() => act((commands) => commands.view()));
  program
    .command("nodes")
    .description("Print the nodes that this one knows, one a line: name, state, address. For hooks.")
    .action(() => act((commands) => commands.nodes()));
  program
    .command("healthcheck")
    .description("Succeed when the node of this container runs and is not about to end.")
    .option("--ready", "only when it is the master and takes traffic, or could take over from it")
    .action((options: { ready?: boolean }) => act((commands) => commands.healthcheck(options)));
}
