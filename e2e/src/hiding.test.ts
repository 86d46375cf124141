import { join } from "node:path";
import { startChild, startTcpProxy, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import { beater, note } from "./support/paths.ts";

const isRoot = process.geteuid?.() === 0;
const because = isRoot ? "" : " (skipped: needs root)";

const apart = "--pid --fork --mount --mount-proc";
/** What a `master` hook leaves behind, which writes to the journal for as long as it is alive. */
const daemons = [
  ["a session", "setsid $daemon &"],
  ["process id and mount namespaces", `setsid unshare ${apart} setsid $daemon &`],
  ["a user namespace", `setsid unshare --user --map-root-user ${apart} $daemon &`],
  ["nested process id namespaces", `unshare --pid --fork unshare ${apart} sh -c "$daemon & exec $daemon" &`],
] as const;

describe.concurrent(`a daemon of the master hook${because}`, () => {
  test.skipIf(!isRoot).each(daemons)("in %s is gone before the next promotion", async (_, leave) => {
    await using group = await startGroup();
    await using proxy = await startTcpProxy(group.etcd.clientPort);
    const { path } = group.journal;
    const master = [
      'run=$(cat "$MSDHA_RUN_DIR/run_id")',
      `${note} ${path} master a "$run" "$MSDHA_FENCING_TOKEN"`,
      `daemon="env BEATER_RUN=$run ${beater} ${path} a ignore-term"`,
      leave,
    ].join("\n");
    const a = group.start("a", { endpoints: `http://${proxy.address}`, hooks: { master } });
    await group.masterAmong([a]);
    await waitFor(() => writersOf(group).size > 1, { what: "the daemon" });
    const b = group.start("b");
    await group.state("b", "ready");
    await proxy.setMode("silent");
    await group.masterAmong([b]);
    expect(group.journal.overlaps()).toEqual([]);
  });
});

/** ptrace's PTRACE_ATTACH, by the number that the call has on this machine. */
const attach = `syscall(${process.arch === "arm64" ? 117 : 101}, 16, $ARGV[0] + 0, 0, 0) == 0 or die $!;`;

test.concurrent("a program that a debugger holds keeps the lock for no longer than a TTL", async () => {
  await using group = await startGroup();
  const a = group.start("a", { env: { MSDHA_STOP_TIMEOUT: "2" } });
  await group.masterAmong([a]);
  const b = group.start("b");
  await group.state("b", "ready");
  const [program = 0] = writersOf(group);
  const logFile = join(group.dir, "debugger");
  await using debug = startChild("perl", ["-e", `$| = 1; ${attach} print "holds\n"; sleep`, `${program}`], {
    logFile,
  });
  await waitFor(() => debug.log().includes("holds"), { what: "the debugger" });
  // Killed, it is a zombie of the debugger's, which does not look: nobody can say that it is gone.
  a.stop();
  await group.masterAmong([b]);
  expect(b.log()).toMatch(/took the master lock.*takenAfter=wait/);
  expect(group.journal.overlaps()).toEqual([]);
  await debug.kill();
  expect(await a.exited()).toBe(0);
});

/** Returns the process ids that have written to the journal in the name of node `a`. */
function writersOf({ journal }: TestGroup): ReadonlySet<number> {
  return new Set(journal.of("a", "beat").map(({ pid }) => pid));
}
