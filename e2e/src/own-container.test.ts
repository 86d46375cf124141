import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { msdhaCommand } from "./support/paths.ts";
import { startRestarting } from "./support/restarting-nodes.ts";

/** A container of a node, as far as the command can tell: the first process there is called as one. */
const CONTAINER = [
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
  "sh",
  "-c",
  '"$@"; exit $?',
  "msdha-backend",
];

const isAllowed = spawnSync("unshare", [...CONTAINER, "true"]).status === 0;

test.runIf(isAllowed)("a node does not end by a command that runs in its container", async () => {
  await using group = await startGroup();
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const [slave = ""] = nodes.others;
  const before = await group.keys();
  for (const args of [
    ["restart", slave],
    ["restart", "--rolling"],
    ["reinit", slave],
  ]) {
    const { status, stderr } = spawnSync(
      "unshare",
      [...CONTAINER, msdhaCommand, ...args, "--yes", "--timeout", "5"],
      {
        encoding: "utf8",
        env: {
          PATH: process.env["PATH"],
          ETCDCTL_ENDPOINTS: group.etcd.endpoint,
          MSDHA_GROUP: group.name,
          MSDHA_NAME: slave,
        },
      },
    );
    const err = expect.stringMatching(
      `this is the container of ${slave}, which would end, and this command with it`,
    );
    expect({ args, status, stderr }).toEqual({ args, status: 1, stderr: err });
  }
  expect(await group.keys()).toMatchObject({ [`_node/${slave}`]: before[`_node/${slave}`] });
});
