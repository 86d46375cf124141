import { getContainerRuntimeClient, StartedNetwork } from "testcontainers";
import { TEST_LABEL, testRun } from "./leftovers.ts";

/** A network of a test's own, with the engine's DNS. */
export async function startNetwork(): Promise<StartedNetwork> {
  const client = await getContainerRuntimeClient();
  const name = `msdha-test-${Math.random().toString(36).slice(2, 10)}`;
  const network = await client.network.create({
    Name: name,
    Driver: "bridge",
    CheckDuplicate: true,
    Labels: { [TEST_LABEL]: testRun() },
  });
  return new StartedNetwork(client, name, network);
}
