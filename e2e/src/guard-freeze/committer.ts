import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { bootTime } from "../support/boot-time.ts";
import type { Server } from "./postgresql-server.ts";

/** A session that commits one row after the other, until it is cut. */
export interface Committer extends AsyncDisposable {
  readonly commits: number;
  /** When the last commit was confirmed (boot-time clock, ms). */
  readonly lastAt: number;
}

/** Resolves when it has committed something. Waits for the server to take connections. */
export async function startCommitter(server: Server): Promise<Committer> {
  const client = await connect(server);
  let commits = 0;
  let lastAt = 0;
  let going = true;
  const commit = async (): Promise<void> => {
    await client.query("INSERT INTO t VALUES (1)");
    commits += 1;
    lastAt = bootTime();
  };
  await commit();
  const loop = (async () => {
    while (going) await commit();
  })().catch(() => {});
  return {
    get commits() {
      return commits;
    },
    get lastAt() {
      return lastAt;
    },
    async [Symbol.asyncDispose]() {
      going = false;
      await loop;
      await client.end().catch(() => {});
    },
  };
}

async function connect({ connection }: Server): Promise<pg.Client> {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client(connection);
    // That the server is killed is what is wanted.
    client.on("error", () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
  }
}
