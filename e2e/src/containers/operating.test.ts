import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { getFreePort, tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { composeProjectOf } from "./support/compose.ts";
import { root } from "./support/images.ts";
import { readBlocks, startShell } from "./support/page-commands.ts";

const TEN_MINUTES_MS = 600_000;
/** The blocks of docs/operating.md that are for another place, or would make a master of a node that lacks data. */
const ELSEWHERE = /npm install|--accept-loss/;

test(
  "the commands of docs/operating.md lead from nothing to a master that was moved, in order",
  async () => {
    const [dbPort, statusPort] = [await getFreePort(), await getFreePort()].map(String);
    await using project = await composeProjectOf("examples/postgresql/compose.yaml", {
      DB_PORT: dbPort ?? "",
      STATUS_PORT: statusPort ?? "",
    });
    const blocks = await readBlocks(join(root, "docs/operating.md"));
    const commands = blocks
      .filter((block) => !ELSEWHERE.test(block.join("\n")))
      .flat()
      // A reader answers its question.
      .map((command) => (/ msdha switchover/.test(command) ? `${command} --yes` : command));
    expect(commands.length).toBeGreaterThanOrEqual(8);
    // What is built is built before, so that the time is that of the group alone.
    await project.run("build", "--quiet");

    const shell = startShell(project.env);
    await using folder = tempDir();
    const over = new AbortController();
    const watched: string[] = [];
    const written: string[] = [];
    const watching: Promise<unknown>[] = [];
    const outputs = new Map<string, string>();
    const began = performance.now();
    try {
      for (const command of commands) {
        const lines = / list --watch/.test(command)
          ? watched
          : / --rm client$/.test(command)
            ? written
            : undefined;
        if (lines) {
          const onLine = (line: string): void => void lines.push(line);
          watching.push(shell(command, { signal: over.signal, onLine }).catch(() => {}));
        } else outputs.set(command, await shell(command.replace("> report", `> ${folder.path}/report`)));
      }
      const tookMs = performance.now() - began;
      process.stdout.write(`docs/operating.md: ${commands.length} commands in ${Math.round(tookMs)} ms\n`);
      expect(tookMs).toBeLessThan(TEN_MINUTES_MS);
    } finally {
      over.abort();
      await Promise.all(watching);
    }

    const outputOf = (what: RegExp): string =>
      [...outputs].find(([command]) => what.test(command))?.[1] ?? `nothing ran ${what}`;
    const [, first = "?"] = /^db {3}master (db\d)/.exec(outputOf(/exec front msdha$/)) ?? [];
    expect(outputOf(/msdha$/)).toMatch(/● db\d +master/);
    const moved = outputOf(/msdha switchover/);
    expect(moved).toMatch(new RegExp(`${first} accepts[\\s\\S]*without a master$`));
    const [, second = "?"] = /^(db\d) is the master \(token \d+\)/m.exec(moved) ?? [];
    expect(second).not.toBe(first);
    expect(outputOf(/msdha history/)).toMatch(new RegExp(`${second}[\\s\\S]*kernel update`));
    expect(watched.join("\n")).toMatch(new RegExp(`${second}.*master`));
    expect(written.join("\n")).toMatch(new RegExp(`taken by ${second}`));
    const archive = execFileSync("tar", ["-xzOf", `${folder.path}/report.tar.gz`], { encoding: "utf8" });
    expect(archive).toMatch(/✓ master: db\d/);
    expect(archive).toMatch(/db1-1 .*msdha/);
  },
  TEN_MINUTES_MS,
);
