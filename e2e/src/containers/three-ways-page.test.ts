import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./support/images.ts";
import { TEST_LABEL, testRun } from "./support/leftovers.ts";
import { readBlocks, startShell } from "./support/page-commands.ts";

const ETCD = /\S+\/coreos\/etcd:\S+/;

test("the commands of images/backend/examples/README.md build three images, and run a group of the last", async () => {
  const blocks = await readBlocks(join(root, "images/backend/examples/README.md"));
  const label = `--label ${TEST_LABEL}=${testRun()}`;
  /** Containers and networks get names that no other has, and the label by which they are removed if this fails. */
  const adapt = (command: string): string =>
    command
      .replace(ETCD, "IMAGE")
      .replaceAll(/\b(etcd|db1|db2|db|front)\b(?![-.])/g, (name, _, at: number) =>
        / --(entrypoint|listen-client-urls) $/.test(command.slice(0, at)) ? name : `${name}-${testRun()}`,
      )
      .replace("IMAGE", "msdha-example-etcd")
      .replace(/^docker (run|network create)/, `docker $1 ${label}`);
  const shell = startShell({});
  let listed = "";
  const answers: string[] = [];
  let killed = "";
  for (const command of blocks.flat()) {
    const output = await shell(adapt(command));
    if (command.includes("/dev/tcp/")) answers.push(output.trim());
    if (command.startsWith("docker kill")) killed = output.trim();
    if (/^docker exec front msdha\s+#/.test(command)) listed = output;
  }
  expect(listed).toMatch(/● db[12]-\S+ +master/);
  const [first, second] = answers;
  expect(first).toMatch(/^db[12]-/);
  expect(killed).toBe(first);
  expect(second).toMatch(/^db[12]-/);
  expect(second).not.toBe(first);
}, 600_000);
