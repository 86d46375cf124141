import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Not "import": workers hand these to Node, and `require("long")` would find a module that protobufjs takes for none.
const conditions = ["@msdha/source", "node", "module", "default"];
// As Node runs it: what is translated awaits in other places, and a simulated seed would not do the same in a test.
const asWritten = { target: "esnext" as const };
const source = { oxc: asWritten, resolve: { conditions }, ssr: { resolve: { conditions } } };

/** A process of its own for each file takes half of the unit tests' time. So a test puts back what it changes in its process. */
const isolate = false;
/** Projects with other numbers of workers can't run beside each other: those of one command run in this order. */
const order = { e2e: 1, long: 2, containers: 3, alone: 4 };
/** Integration tests wait most of the time: one after the other a package takes two minutes. Unit tests run beside them. */
const maxWorkers = 4;

/** What takes minutes and needs a machine that has nothing else to do, or a program that Debian 12 does not have. */
const long = [
  "e2e/src/chaos/chaos.test.ts",
  "e2e/src/paused-vm/paused-vm.test.ts",
  "e2e/src/postgresql/sync.test.ts",
  "e2e/src/postgresql/many-failovers.test.ts",
  "e2e/src/examples/mariadb.test.ts",
  "e2e/src/examples/quadlet.test.ts",
];

/** Vitest begins with the largest files. Those that sleep longest begin before them: they would be waited for at the end. */
class SleepersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sleeps = ({ moduleId }: TestSpecification): boolean =>
      /\/(patience|haproxy-lost)\.test\.ts$/.test(moduleId);
    return (await super.sort(files)).sort((one, other) => Number(sleeps(other)) - Number(sleeps(one)));
  }
}

const byContainer = {
  globalSetup: ["e2e/src/containers/support/global-setup.ts"],
  testTimeout: 180_000,
  hookTimeout: 180_000,
};

export default defineConfig({
  test: {
    sequence: { sequencer: SleepersFirst },
    // For script/coverage, which prints the share by package; no test fails because of it.
    coverage: {
      provider: "v8",
      include: ["{packages,testing}/*/src/**/*.ts"],
      exclude: ["**/*.test.ts"],
      reporter: ["json-summary"],
    },
    projects: [
      {
        ...source,
        test: {
          name: "unit",
          include: ["{packages,testing}/*/src/**/*.test.ts"],
          isolate,
          maxWorkers,
          testTimeout: 60_000,
        },
      },
      {
        ...source,
        test: {
          name: "integration",
          include: ["{packages,testing}/*/test/**/*.test.ts"],
          isolate,
          // Real processes and real time, several files at once: the reporter tells what passed only when run again.
          retry: 1,
          maxWorkers,
          // Programs that tests start from source take half of the processor's time when Node keeps what it has compiled.
          env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/node", import.meta.url)) },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...source,
        test: {
          name: "e2e",
          include: ["e2e/src/**/*.test.ts"],
          exclude: ["e2e/src/containers/**", ...long],
          isolate,
          // These tests mostly wait, for leases to end and for programs, but real time is what they measure: one
          // file at a time, so that none of them takes the processor from the others.
          maxConcurrency: 4,
          maxWorkers: 1,
          sequence: { groupOrder: order.e2e },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...source,
        test: {
          name: "long",
          include: long,
          maxWorkers: 1,
          sequence: { groupOrder: order.long },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...source,
        test: {
          ...byContainer,
          name: "containers",
          include: ["e2e/src/containers/*.test.ts"],
          // A group of containers keeps two cores busy.
          maxWorkers: 1,
          sequence: { groupOrder: order.containers },
        },
      },
      {
        ...source,
        test: {
          ...byContainer,
          name: "alone",
          // What is measured here shall not be what another test takes of the processor, and a Swarm takes the engine.
          include: ["e2e/src/containers/alone/*.test.ts"],
          maxWorkers: 1,
          sequence: { groupOrder: order.alone },
        },
      },
    ],
  },
});
