import { getContainerRuntimeClient } from "testcontainers";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    testRun: string;
  }
}

/** On every container, network and volume of these tests; its value tells the run. */
export const TEST_LABEL = "msdha.test";

export function testRun(): string {
  return inject("testRun");
}

/** Removes every container, network and volume of a run, whatever became of the tests that made them. */
export async function removeLeftovers(run: string): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  const engine = container.dockerode;
  const filters = { label: [`${TEST_LABEL}=${run}`] };
  for (const { Id } of await engine.listContainers({ all: true, filters })) {
    await engine.getContainer(Id).remove({ force: true, v: true });
  }
  for (const { Id } of await engine.listNetworks({ filters })) await engine.getNetwork(Id).remove();
  for (const { Name } of (await engine.listVolumes({ filters })).Volumes) {
    await engine.getVolume(Name).remove();
  }
}
