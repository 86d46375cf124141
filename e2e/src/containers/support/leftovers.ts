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

/** The name of a run of these tests: the process that it belongs to, and when. */
export function nameRun(): string {
  return `${process.pid}-${Date.now()}`;
}

/** What Compose calls what it brings up for a run. */
export function composeProject(run: string): string {
  return `msdha-test-${run}`;
}
const COMPOSE_LABEL = "com.docker.compose.project";

/** Removes what runs have left behind whose process is no more. */
export async function removeDeadRuns(): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  const listed: Promise<{ readonly Labels: Readonly<Record<string, string>> }[]> =
    container.dockerode.listContainers({ all: true });
  const runs = new Set(
    (await listed).flatMap(({ Labels }) => {
      const composed = Labels[COMPOSE_LABEL]?.match(/^msdha-test-(\d+-\d+)$/)?.[1];
      return Labels[TEST_LABEL] ?? composed ?? [];
    }),
  );
  for (const run of runs) if (!isAlive(Number.parseInt(run, 10))) await removeLeftovers(run);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes every container, network and volume of a run, whatever became of the tests that made them. */
export async function removeLeftovers(run: string): Promise<void> {
  await removeLabelled(`${TEST_LABEL}=${run}`);
  await removeLabelled(`${COMPOSE_LABEL}=${composeProject(run)}`);
}

async function removeLabelled(label: string): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  const engine = container.dockerode;
  const filters = { label: [label] };
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
