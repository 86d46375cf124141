import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import type { NodeOptions, TestNode } from "./support/node.ts";
import { asOther, findObstacle, openToOthers } from "./support/other-user.ts";

/** Root may start processes without a limit. */
const obstacle = findObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";

/** For a hook: nothing can be started from its end on, the first time that it runs, for some seconds or for good. */
const limitProcesses = (seconds?: number): string => `
[ ! -e "$MSDHA_RUN_DIR/limited" ] || exit 0
: > "$MSDHA_RUN_DIR/limited"
guard=$PPID
${seconds === undefined ? "" : `(sleep ${seconds}; exec prlimit --pid $guard --nproc=1000:) >/dev/null 2>&1 &`}
exec prlimit --pid $guard --nproc=1:`;

function start(group: TestGroup, name: string, options: NodeOptions): TestNode {
  openToOthers(group, name);
  return group.start(name, { within: asOther, ...options });
}

describe.concurrent(`a node for which no process can be started (RLIMIT_NPROC)${because}`, {
  skip: obstacle !== undefined,
}, () => {
  test("promotes its program when one can be started again", async () => {
    await using group = await startGroup({ ttlSeconds: 3 });
    const a = start(group, "a", { hooks: { candidate: `echo 5\n${limitProcesses(2)}` } });
    await a.logged(/a hook has run.*hook=master/);
    expect(group.journal.of("a", "master")).toHaveLength(1);
  });

  test("is no candidate meanwhile, and says why", async () => {
    await using group = await startGroup({ ttlSeconds: 3 });
    const a = start(group, "a", {
      env: { MSDHA_CANDIDATE_TIMEOUT: "1" },
      hooks: { ready: limitProcesses(12), candidate: "echo 5", node_state_change: null },
    });
    await a.logged(
      /no candidate now: hook candidate can't be run: no process can be started now \(EAGAIN\): .*pids\.max/,
    );
    await a.logged(/the node is a candidate again/);
    await a.logged(/is the master/);
  });

  test("counts an alive hook that could not be started as one that failed", async () => {
    await using group = await startGroup({ ttlSeconds: 3 });
    const a = start(group, "a", {
      env: { MSDHA_ALIVE_INTERVAL: "1", MSDHA_ALIVE_FAILURES: "2" },
      hooks: { alive: limitProcesses() },
    });
    await a.logged(/does not seem to be alive: hook alive can't be run: no process can be started now/);
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(/ending: hook alive can't be run: no process can be started now \(EAGAIN\)/);
  });
});
