import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { expect, test } from "vitest";
import { renderCompletion } from "./completion.ts";

const program = new Command("msdha").option("-g, --group <name>", "the group");
program.command("list").description("show a group's nodes").option("-w, --watch", "again");
program.command("switchover").option("--why <text>", "the reason");
program.command("report").option("-o, --output <file>", "where").option("--log <files...>", "logs");
program.command("completion").argument("<shell>");

/** What bash completes the last of these words to; nothing: it completes the name of a file. */
function complete(...words: readonly string[]): readonly string[] {
  const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _msdha; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync("bash", ["-c", `${renderCompletion("bash", program)}\n${line}`], {
    encoding: "utf8",
  });
  return stdout.trim().split("\n").filter(Boolean);
}

test("bash completes commands, and the options of a command", () => {
  expect(complete("msdha", "sw")).toEqual(["switchover"]);
  expect(complete("msdha", "switchover")).toEqual(["switchover"]);
  expect(complete("msdha", "list", "--")).toEqual(["--watch", "--group", "--help"]);
  expect(complete("msdha", "--group", "db", "sw")).toEqual(["switchover"]);
  expect(complete("msdha", "-g", "list", "switchover", "--w")).toEqual(["--why"]);
  expect(complete("msdha", "completion", "b")).toEqual(["bash"]);
});

test("bash completes names of files where a file, or any text, is to follow", () => {
  expect(complete("msdha", "report", "--log", "")).toEqual([]);
  expect(complete("msdha", "report", "-o", "")).toEqual([]);
  expect(complete("msdha", "switchover", "--why", "")).toEqual([]);
  expect(renderCompletion("bash", program)).toContain("complete -o default -F _msdha msdha");
  expect(renderCompletion("fish", program)).toContain("-s o -l output -r -F\n");
});

test("fish and zsh get theirs, and any other shell is refused", () => {
  expect(renderCompletion("fish", program)).toContain("-a list -d 'show a group\\'s nodes'");
  expect(renderCompletion("zsh", program)).toContain("#compdef msdha");
  expect(() => renderCompletion("cmd", program)).toThrow(/expected one of bash, zsh, fish, got "cmd"/);
});
