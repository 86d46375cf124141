import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createGapMeter, type GapMeter } from "./gap-meter.ts";

/** How the clients connect. */
export interface Access {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Clients that write rows all the time, through the frontend, and remember each row that was acknowledged. */
export interface Writer extends AsyncDisposable {
  readonly meter: GapMeter;
  /** When the first row of all was acknowledged (`performance.now()`). */
  readonly firstRowAt: Promise<number>;
  /** The acknowledged rows that have not been taken yet. */
  takeAcknowledged(): readonly number[];
  /** How many have been acknowledged in all. */
  readonly total: number;
  /** Rows that a former master acknowledged although they were sent after its successor's first: must be none. */
  readonly overlaps: number;
  /** How often the server stopped to wait for a standby because something cancelled that: must be never. */
  readonly cancelled: number;
}

/** Half of the clients open a connection for each row, the others keep theirs until it breaks. */
const CLIENTS = ["each", "kept", "each", "kept"] as const;
const BETWEEN_ROWS_MS = 20;
const AFTER_ERROR_MS = 20;
/** A session of which nothing is heard for so long is given up. */
const QUERY_TIMEOUT_MS = 30_000;

export const TABLE = "rows_of_the_demo";
const INSERT = `INSERT INTO ${TABLE} (id) VALUES ($1)
  RETURNING left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS timeline`;

/**
 * Starts the clients. They try for ever; an error of theirs is counted, never thrown. `onBroken` is told why a session
 * broke or a row was refused.
 */
export function startWriter(
  access: Access,
  { onBroken = () => {} }: { readonly onBroken?: (why: string) => void } = {},
): Writer {
  const meter = createGapMeter(CLIENTS.length);
  const stop = new AbortController();
  const firstRow = Promise.withResolvers<number>();
  const order = createTimelineOrder();
  let acknowledged: number[] = [];
  let total = 0;
  let cancelled = 0;
  let lastRow = 0;

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({
      ...access,
      application_name: "demo client",
      query_timeout: QUERY_TIMEOUT_MS,
    });
    client.on("error", () => {});
    // The server acknowledges such a commit, which no standby may have: nothing of MSDHA may cancel its wait. (One that is
    // "canceling the wait … and terminating connection" acknowledges nothing.)
    client.on("notice", ({ message }) => {
      if (message?.startsWith("canceling wait for synchronous")) cancelled += 1;
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      meter.refused(error instanceof Error ? error.message : String(error));
      void client.end().catch(() => {});
      throw error;
    }
  }

  async function writeRow(client: pg.Client, index: number): Promise<void> {
    const row = ++lastRow;
    const sentAt = performance.now();
    try {
      const { rows } = await client.query<{ timeline: string }>(INSERT, [row]);
      meter.acknowledged(index);
      acknowledged.push(row);
      total += 1;
      order.acknowledged(rows[0]?.timeline ?? "", sentAt);
      firstRow.resolve(performance.now());
    } catch (error) {
      meter.broke();
      onBroken(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async function run(kind: (typeof CLIENTS)[number], index: number): Promise<void> {
    let client: pg.Client | undefined;
    const close = (): void => {
      const former = client;
      client = undefined;
      void former?.end().catch(() => {});
    };
    stop.signal.addEventListener("abort", close);
    while (!stop.signal.aborted) {
      try {
        client ??= await connect();
        await writeRow(client, index);
        if (kind === "each") close();
        await sleep(BETWEEN_ROWS_MS, undefined, { signal: stop.signal });
      } catch {
        close();
        if (!stop.signal.aborted) await sleep(AFTER_ERROR_MS);
      }
    }
    close();
  }

  for (const [index, kind] of CLIENTS.entries()) void run(kind, index);
  return {
    meter,
    firstRowAt: firstRow.promise,
    takeAcknowledged() {
      const taken = acknowledged;
      acknowledged = [];
      return taken;
    },
    get total() {
      return total;
    },
    get overlaps() {
      return order.overlaps;
    },
    get cancelled() {
      return cancelled;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
    },
  };
}

/** Every promotion begins a timeline, so a row that goes to an older one than a row before it went to the wrong server. */
function createTimelineOrder(): {
  acknowledged(timeline: string, sentAt: number): void;
  readonly overlaps: number;
} {
  let newest = "";
  let since = 0;
  let overlaps = 0;
  return {
    acknowledged(timeline, sentAt) {
      if (timeline > newest) {
        newest = timeline;
        since = performance.now();
      } else if (timeline < newest && sentAt > since) {
        overlaps += 1;
      }
    },
    get overlaps() {
      return overlaps;
    },
  };
}
