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
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
    engine.listVolumes({ filters }),
  ]);
  await Promise.all(containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })));
  await Promise.all([
    ...networks.map(({ Id }) => engine.getNetwork(Id).remove()),
    ...volumes.map(({ Name }) => engine.getVolume(Name).remove()),
  ]);
}
