import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "./plain.ts";

/** Returns a script that completes the words of a program in a shell. Throws a `CommandError` for another shell. */
export function renderCompletion(shell: string, program: Pick<Command, "commands" | "options">): string {
  const render = SHELLS[shell];
  if (render) return render(listWords(program));
  const known = Object.keys(SHELLS).join(", ");
  throw new CommandError(exitCodes.usage, `expected one of ${known}, got ${plain(JSON.stringify(shell))}`);
}

interface Words {
  readonly commands: readonly CommandWords[];
  /** Those of every command. */
  readonly options: readonly OptionWords[];
}

interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** What its argument may be, where that is known here. */
  readonly values: readonly string[];
}

interface OptionWords {
  readonly long: string;
  readonly short: string | undefined;
  readonly value: "none" | "text" | "file";
}

const HELP: OptionWords = { long: "--help", short: "-h", value: "none" };

function listWords({ commands, options }: Pick<Command, "commands" | "options">): Words {
  const names = commands.map((command) => command.name());
  const values: Readonly<Record<string, readonly string[]>> = {
    completion: Object.keys(SHELLS),
    help: names,
  };
  return {
    commands: commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      options: listOptions(command),
      values: values[command.name()] ?? [],
    })),
    options: [...listOptions({ options }), HELP],
  };
}

function listOptions({ options }: Pick<Command, "options">): readonly OptionWords[] {
  return options.flatMap(({ long, short, flags, required }) => {
    if (!long) return [];
    const value = !required ? "none" : flags.includes("<file") ? "file" : "text";
    return [{ long, short, value }];
  });
}

const SHELLS: Readonly<Record<string, (words: Words) => string>> = {
  bash: renderBash,
  zsh: (words) => `#compdef msdha\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(words)}`,
  fish: renderFish,
};

function renderBash({ commands, options }: Words): string {
  const names = (these: readonly OptionWords[]): readonly string[] => these.map(({ long }) => long);
  const usual = names(options);
  const cases = commands.map(
    (command) =>
      `    ${command.name}) words="${[...command.values, ...names(command.options), ...usual].join(" ")}" ;;`,
  );
  // What takes a value is followed by no word of this command: the shell completes the name of a file.
  const valued = [
    ...new Set([...options, ...commands.flatMap((command) => command.options)].flatMap(listValued)),
  ];
  return `_msdha() {
  local words="${[...commands.map(({ name }) => name), ...usual].join(" ")}" command="" i
  COMPREPLY=()
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in ${valued.join(" | ")}) return ;; esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${options.flatMap(listValued).join(" | ")}) i=$((i + 1)) ;;
      -*) ;;
      *)
        command="\${COMP_WORDS[i]}"
        break
        ;;
    esac
  done
  case "$command" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _msdha msdha
`;
}

function listValued({ long, short, value }: OptionWords): readonly string[] {
  if (value === "none") return [];
  return short === undefined ? [long] : [short, long];
}

function renderFish({ commands, options }: Words): string {
  // Not __fish_use_subcommand, for which the group of --group is a command.
  const first = `"not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(" ")}"`;
  const lines = commands.flatMap(({ name, description, options: own, values }) => {
    const within = `complete -c msdha -n "__fish_seen_subcommand_from ${name}"`;
    return [
      `complete -c msdha -n ${first} -a ${name} -d ${quote(description)}`,
      ...(values.length > 0 ? [`${within} -a "${values.join(" ")}"`] : []),
      ...own.map((option) => within + renderFishOption(option)),
    ];
  });
  const usual = options.map((option) => `complete -c msdha${renderFishOption(option)}`);
  return `complete -c msdha -f\n${[...usual, ...lines].join("\n")}\n`;
}

/** `-r`: a value follows; `-F`: it is the name of a file. */
function renderFishOption({ long, short, value }: OptionWords): string {
  const takes = { none: "", text: " -r", file: " -r -F" }[value];
  return `${short === undefined ? "" : ` -s ${short.slice(1)}`} -l ${long.slice(2)}${takes}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
