import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { root } from "./images.ts";

/** An example that was deployed to a Swarm of one machine. Disposing removes it, and the Swarm. */
export interface Stack extends AsyncDisposable {
  /** Runs a command in the task of a service, once there is one. */
  exec(service: string, ...command: readonly string[]): Promise<string>;
}

const NAME = "msdha-test-stack";

/** Deploys a stack file as it stands. The engine must be one that nobody else uses: it becomes a Swarm. */
export async function deployStack(file: string): Promise<Stack> {
  await docker("swarm", "init", "--advertise-addr", "127.0.0.1");
  const stack = {
    async exec(service: string, ...command: readonly string[]) {
      const filter = `label=com.docker.swarm.service.name=${NAME}_${service}`;
      const [task = ""] = (await docker("ps", "--quiet", "--filter", filter)).split("\n");
      return await docker("exec", task, ...command);
    },
    async [Symbol.asyncDispose]() {
      await docker("stack", "rm", NAME);
      const labelled = ["--filter", `label=com.docker.stack.namespace=${NAME}`];
      await waitFor(async () => (await docker("ps", "--all", "--quiet", ...labelled)) === "", {
        ...{ what: "the tasks to go", timeoutMs: 90_000, intervalMs: 500 },
      });
      await docker("swarm", "leave", "--force");
      const volumes = (await docker("volume", "ls", "--quiet", ...labelled)).split("\n").filter(Boolean);
      if (volumes.length > 0) await docker("volume", "rm", ...volumes);
    },
  };
  try {
    await docker("stack", "deploy", "--compose-file", file, NAME);
  } catch (error) {
    await docker("swarm", "leave", "--force");
    throw error;
  }
  return stack;
}

async function docker(...args: readonly string[]): Promise<string> {
  return (await execa("docker", args, { cwd: root })).stdout;
}
