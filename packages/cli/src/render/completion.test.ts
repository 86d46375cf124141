import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { expect, test } from "vitest";
import { renderCompletion } from "./completion.ts";

const program = new Command("msdha");
program.command("list").description("show a group's nodes").option("-w, --watch", "again");
program.command("switchover").option("--why <text>", "the reason");

test("bash completes commands, and the options of a command", () => {
  const complete = (...words: readonly string[]): readonly string[] => {
    const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _msdha; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", `${renderCompletion("bash", program)}\n${line}`], {
      encoding: "utf8",
    });
    return stdout.trim().split("\n");
  };
  expect(complete("msdha", "sw")).toEqual(["switchover"]);
  expect(complete("msdha", "list", "--")).toEqual(["--watch"]);
});

test("fish and zsh get theirs, and any other shell is refused", () => {
  expect(renderCompletion("fish", program)).toContain("-a list -d 'show a group\\'s nodes'");
  expect(renderCompletion("zsh", program)).toContain("#compdef msdha");
  expect(() => renderCompletion("cmd", program)).toThrow(/expected one of bash, zsh, fish, got "cmd"/);
});
