import { execa } from "execa";
import { root } from "./images.ts";
import { composeProject, testRun } from "./leftovers.ts";

/** A Compose file of an example, in a project of this run. Disposing takes it down, its volumes too. */
export interface ComposeProject extends AsyncDisposable {
  /** The environment for commands that name the file by themselves. */
  readonly env: Readonly<Record<string, string>>;
  run(...args: readonly string[]): Promise<string>;
}

/** Resolves with a project that nothing of is up yet. */
export async function composeProjectOf(
  file: string,
  variables: Readonly<Record<string, string>>,
): Promise<ComposeProject> {
  const env = {
    ...variables,
    COMPOSE_PROJECT_NAME: composeProject(testRun()),
    // Upstream's image can't be had everywhere; every etcd will do.
    ETCD_IMAGE: "msdha-example-etcd",
  };
  const run = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await execa("docker", ["compose", "--file", file, ...args], { cwd: root, env });
    return stdout;
  };
  return {
    env,
    run,
    async [Symbol.asyncDispose]() {
      await run("down", "--volumes", "--timeout", "1", "--remove-orphans");
    },
  };
}
