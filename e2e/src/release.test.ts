import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WORKFLOWS = join(ROOT, ".github/workflows");

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
const workflows = readdirSync(WORKFLOWS).map((name) => {
  const text = readFileSync(join(WORKFLOWS, name), "utf8");
  const { jobs } = parse(text) as { jobs: Record<string, { readonly steps: readonly Step[] }> };
  return { name, text, steps: Object.values(jobs).flatMap((job) => job.steps) };
});

describe.each(workflows)("the workflow $name", ({ text, steps }) => {
  test("takes every action by its commit, and says which version that is", () => {
    const uses = text.match(/uses: .*/g) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("has shell steps that bash takes", async () => {
    for (const { run } of steps) {
      if (run === undefined) continue;
      // What GitHub puts in beforehand.
      const script = run.replaceAll(/\$\{\{.*?\}\}/g, "x");
      await execa("bash", ["-n", "-c", script]);
      const { exitCode, stdout } = await execa("shellcheck", ["--shell=bash", "--severity=warning", "-"], {
        input: script,
        reject: false,
      });
      expect([exitCode, stdout]).toEqual([0, ""]);
    }
  });
});

describe("find-release", () => {
  async function makeRepository(path: string) {
    const git = (...args: readonly string[]) =>
      execa("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: path });
    const manifest = join(path, "packages/backend/package.json");
    const release = async (version: string, tag = true) => {
      writeFileSync(manifest, `${JSON.stringify({ name: "@msdha/backend", version }, null, 2)}\n`);
      await git("add", "--all");
      await git("commit", "--quiet", "--message", version);
      if (tag) await git("tag", `@msdha/backend@${version}`);
    };
    mkdirSync(join(path, "packages/backend"), { recursive: true });
    cpSync(join(ROOT, "script/lib/find-release"), join(path, "find-release"));
    await git("init", "--quiet");
    for (const version of ["0.9.0", "0.10.0", "0.11.0-rc.1"]) await release(version);
    await release("0.11.0", false);
    return {
      find: (...args: readonly string[]) =>
        execa(join(path, "find-release"), args, { cwd: path, reject: false }),
      version: () => JSON.parse(readFileSync(manifest, "utf8")).version as string,
    };
  }

  test("checks a tagged version out, takes the present one as it is, and refuses others in a line", async () => {
    await using folder = tempDir();
    const { find, version } = await makeRepository(folder.path);
    expect((await find("--last")).stdout).toBe("0.10.0");
    expect((await find("0.11.0")).exitCode).toBe(0);
    expect(version()).toBe("0.11.0");
    for (const [given, code] of [
      ["0.12.0", 1],
      ["latest", 2],
      ["", 2],
    ] as const) {
      const { exitCode, stderr } = await find(given);
      expect(exitCode).toBe(code);
      expect(stderr).toMatch(/^find-release: .+$/);
    }
    expect((await find("0.9.0")).exitCode).toBe(0);
    expect(version()).toBe("0.9.0");
  });
});

describe("built-digests", () => {
  const run = (metadata: unknown) =>
    execa("node", [join(ROOT, "script/lib/built-digests.mjs")], {
      input: JSON.stringify(metadata),
      reject: false,
    });
  const digest = `sha256:${"ab".repeat(32)}`;

  test("names each pushed image once, by its digest", async () => {
    const { stdout } = await run({
      "buildx.build.warnings": [],
      backend: {
        "containerimage.digest": digest,
        "image.name": "localhost:5000/a/msdha-backend:1.0.0,localhost:5000/a/msdha-backend:latest",
      },
    });
    expect(stdout).toBe(`localhost:5000/a/msdha-backend@${digest}`);
  });

  test.each([
    ["nothing was built", {}],
    ["a name is missing", { backend: { "containerimage.digest": digest } }],
  ])("fails when %s, so that nothing goes out unsigned", async (_, metadata) => {
    expect((await run(metadata)).exitCode).toBe(1);
  });
});
