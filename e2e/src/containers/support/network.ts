import { Network, type StartedNetwork } from "testcontainers";

/** A network of a test's own. */
export async function startNetwork(): Promise<StartedNetwork> {
  return await new Network().start();
}
