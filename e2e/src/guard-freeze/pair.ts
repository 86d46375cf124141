import { chmodSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tempDir, waitFor } from "@msdha/testkit";
import { bootTime } from "../support/boot-time.ts";
import { type GroupEtcd, openGroup, startGroup, type TestGroup } from "../support/group.ts";
import type { TestNode } from "../support/node.ts";
import { promoted } from "../support/paths.ts";
import { blockable } from "./blocked-loop.ts";
import { startCommitter } from "./committer.ts";
import { createServer, type Server } from "./postgresql-server.ts";

export interface FailoverFigures {
  /** From the fault to when the last process of the former master's server was gone, ms. */
  readonly aliveMs: number;
  /** From then to when the next `master` hook began. */
  readonly marginMs: number;
  /** From the fault to the last commit that its client was told of. */
  readonly committedMs: number;
  readonly commits: number;
  /** What was alive of the former master when the next hook looked. */
  readonly alive: readonly string[];
  /** From when the fault was undone to when the last process of the server was gone; 0 if it was gone before. */
  readonly afterUndoMs: number;
  /** Whether a commit was confirmed after that. */
  readonly committedAfterUndo: boolean;
}

/** What is done to a master; the returned function undoes it once the next one is promoted. */
export type Fault = (master: TestNode) => (() => void) | Promise<() => void>;

/** Two nodes, each with a PostgreSQL of its own, that take turns. */
export interface PostgresqlPair extends AsyncDisposable {
  readonly group: TestGroup<GroupEtcd>;
  /** Hurts the master while a session commits, and waits for the other node to be promoted and the first to be back. */
  failOver(fault: Fault): Promise<FailoverFigures>;
}

export interface PairOptions {
  readonly ttlSeconds?: number;
  /** An etcd that stays, instead of one of the pair's own. */
  readonly etcd?: GroupEtcd;
  /** Where the first node reaches etcd, when not all of it. */
  readonly firstEndpoint?: string;
}

const NAMES = ["a", "b"] as const;
const PATIENCE_MS = 60_000;

/** Starts both, one after the other, so that the first one is the first master. */
export async function startPostgresqlPair({
  ttlSeconds = 3,
  etcd,
  firstEndpoint,
}: PairOptions = {}): Promise<PostgresqlPair> {
  const folder = tempDir({ prefix: "msdha-freeze-" });
  chmodSync(folder.path, 0o755);
  const group = etcd ? openGroup(etcd, { ttlSeconds }) : await startGroup({ ttlSeconds });
  const servers = new Map(NAMES.map((name) => [name as string, createServer(join(folder.path, name))]));
  const serverOf = ({ name }: Pick<TestNode, "name">): Server => servers.get(name) as Server;

  function start(name: string): TestNode {
    const other = NAMES.find((candidate) => candidate !== name) as string;
    const run = `run=$(cat "$MSDHA_RUN_DIR/run_id")`;
    return group.start(name, {
      ...(name === NAMES[0] && firstEndpoint && { endpoints: firstEndpoint }),
      env: { MSDHA_STOP_SIGNAL: "SIGINT", ...blockable },
      hooks: {
        start: `exec ${serverOf({ name }).command}`,
        master: `${run}; exec ${promoted} ${group.journal.path} ${name} "$run" "$MSDHA_FENCING_TOKEN" ${other} ${join(group.dir, group.name, other, "run")} ${serverOf({ name: other }).data}`,
      },
    });
  }

  const nodes = new Map<string, TestNode>();
  for (const name of NAMES) {
    nodes.set(name, start(name));
    await group.state(name, name === NAMES[0] ? "master" : "ready", PATIENCE_MS);
  }
  const promotions = (): number => group.journal.entries().filter(({ what }) => what === "master").length;

  return {
    group,
    async failOver(fault) {
      const master = await waitFor(async () => nodes.get((await group.master()) ?? ""), {
        what: "a master",
        timeoutMs: PATIENCE_MS,
      });
      const other = [...nodes.values()].find((node) => node !== master) as TestNode;
      await group.state(other.name, "ready", PATIENCE_MS);
      await waitFor(() => group.journal.of(master.name, "master").length > 0, { what: "its hook" });
      await using committer = await startCommitter(serverOf(master));
      await sleep(500 + Math.random() * 1_000);

      const before = promotions();
      const lookedBefore = group.journal.of(master.name, "alive").length;
      const at = bootTime();
      const undo = await fault(master);
      let goneAt = Number.NaN;
      await waitFor(
        () => {
          if (Number.isNaN(goneAt) && serverOf(master).processes().length === 0) goneAt = bootTime();
          // Without a leader of etcd the other one can lose its lease too, and is started again as by a restart policy.
          if (nodes.get(other.name)?.child.exit) nodes.set(other.name, start(other.name));
          return promotions() > before;
        },
        { what: "the next promotion", timeoutMs: PATIENCE_MS, intervalMs: 5 },
      );
      const promotion = group.journal.of(other.name, "master").at(-1);
      // What the hook may yet find must not be gone before it has looked at everybody.
      const next = nodes.get(other.name) as TestNode;
      await next.logged(/a hook has run.*hook=master/, PATIENCE_MS);
      await waitFor(async () => (await group.master()) === other.name, { what: "the next master" });
      const undoneAt = bootTime();
      undo();
      await waitFor(() => serverOf(master).processes().length === 0, {
        what: "the end of it",
        intervalMs: 2,
      });
      const endedAt = bootTime();
      await master.exited(PATIENCE_MS);
      nodes.set(master.name, start(master.name));
      return {
        aliveMs: goneAt - at,
        marginMs: (promotion?.at ?? Number.NaN) - goneAt,
        committedMs: committer.lastAt - at,
        commits: committer.commits,
        alive: group.journal
          .of(master.name, "alive")
          .slice(lookedBefore)
          .map(({ rest }) => rest.join(" ")),
        afterUndoMs: Number.isNaN(goneAt) ? endedAt - undoneAt : 0,
        committedAfterUndo: committer.lastAt > undoneAt,
      };
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes.values()) node.stop();
      for (const node of nodes.values()) await node.exited().catch(() => {});
      await group[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
