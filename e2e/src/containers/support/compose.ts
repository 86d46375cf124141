import { execa } from "execa";
import { root } from "./images.ts";
import { composeProject, testRun } from "./leftovers.ts";

/** An example that was brought up with Compose. Disposing takes it down, its volumes too. */
export interface ComposeProject extends AsyncDisposable {
  run(...args: readonly string[]): Promise<string>;
}

/** Brings up a Compose file as it stands. */
export async function composeUp(
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<ComposeProject> {
  const command = await findCompose();
  const run = async (...args: readonly string[]): Promise<string> => {
    const [program = "", ...first] = command;
    const flags = ["--project-name", composeProject(testRun()), "--file", file];
    const { stdout } = await execa(program, [...first, ...flags, ...args], { cwd: root, env });
    return stdout;
  };
  const project = {
    run,
    async [Symbol.asyncDispose]() {
      await run("down", "--volumes", "--timeout", "1");
    },
  };
  try {
    await run("up", "--detach");
  } catch (error) {
    await project[Symbol.asyncDispose]().catch(() => {});
    throw error;
  }
  return project;
}

/** Compose is a plugin of the client, or, of old, a program. */
async function findCompose(): Promise<readonly string[]> {
  const { failed } = await execa("docker", ["compose", "version"], { reject: false });
  return failed ? ["docker-compose"] : ["docker", "compose"];
}
