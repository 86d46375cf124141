import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "./plain.ts";

/** Returns a script that completes the words of a program in a shell. Throws a `CommandError` for another shell. */
export function renderCompletion(shell: string, program: Pick<Command, "commands">): string {
  const render = SHELLS[shell];
  if (render) return render(listWords(program));
  const known = Object.keys(SHELLS).join(", ");
  throw new CommandError(exitCodes.usage, `expected one of ${known}, got ${plain(JSON.stringify(shell))}`);
}

interface Words {
  readonly command: string;
  readonly description: string;
  readonly options: readonly string[];
}

function listWords({ commands }: Pick<Command, "commands">): readonly Words[] {
  return commands.map((command) => ({
    command: command.name(),
    description: command.description(),
    options: command.options.flatMap(({ long }) => (long ? [long] : [])),
  }));
}

const SHELLS: Readonly<Record<string, (words: readonly Words[]) => string>> = {
  bash: renderBash,
  zsh: (words) => `#compdef msdha\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(words)}`,
  fish: renderFish,
};

function renderBash(words: readonly Words[]): string {
  const cases = words.map(({ command, options }) => `    ${command}) words="${options.join(" ")}" ;;`);
  return `_msdha() {
  local words="${words.map(({ command }) => command).join(" ")} --group --endpoints --help"
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _msdha msdha
`;
}

function renderFish(words: readonly Words[]): string {
  const lines = words.flatMap(({ command, description, options }) => [
    `complete -c msdha -n __fish_use_subcommand -a ${command} -d ${quote(description)}`,
    ...options.map(
      (option) => `complete -c msdha -n "__fish_seen_subcommand_from ${command}" -l ${option.slice(2)}`,
    ),
  ]);
  return `complete -c msdha -f\n${lines.join("\n")}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
