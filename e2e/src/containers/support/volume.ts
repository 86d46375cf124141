import { getContainerRuntimeClient } from "testcontainers";
import { TEST_LABEL, testRun } from "./leftovers.ts";

/** A volume in memory. It is empty again whenever no container uses it. */
export interface Volume extends AsyncDisposable {
  readonly name: string;
}

export async function createVolume(options: {
  readonly size?: string;
  readonly uid?: number;
  readonly mode?: string;
}): Promise<Volume> {
  const { size = "512m", uid = 999, mode = "700" } = options;
  const { container } = await getContainerRuntimeClient();
  const name = `msdha-test-${Math.random().toString(36).slice(2, 10)}`;
  const created: Promise<unknown> = container.dockerode.createVolume({
    Name: name,
    Driver: "local",
    DriverOpts: { type: "tmpfs", device: "tmpfs", o: `size=${size},uid=${uid},mode=${mode}` },
    Labels: { [TEST_LABEL]: testRun() },
  });
  await created;
  return {
    name,
    async [Symbol.asyncDispose]() {
      await container.dockerode.getVolume(name).remove();
    },
  };
}
