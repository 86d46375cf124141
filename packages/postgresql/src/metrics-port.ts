import type { Reply } from "@msdha/status-port";
import type { Rows } from "./connection.ts";
import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { answerOf } from "./local-server.ts";

/** Serves the server's numbers on a port of the node (MSDHA_PG_METRICS_PORT). */
export interface MetricsPort {
  /** Called every few seconds. Begins to listen once; says once why it can't, and tries again. */
  look(context: HookContext): Promise<void>;
}

/** Sizes of databases with very many files may take longer. Both together are shorter than the port's own limit. */
const QUERY_MS = 2_500;
const UP_MS = 1_500;

/** Makes one. It listens until the helper ends. */
export function createMetricsPort(): MetricsPort {
  let latest: HookContext | undefined;
  let listens = false;
  let complaint = "";

  async function ask(statement: string, timeoutMs: number): Promise<Rows | undefined> {
    if (!latest?.server.takesConnections()) return undefined;
    return await answerOf(latest.server.query(statement, { timeoutMs }));
  }

  async function answer(): Promise<Reply> {
    // Loaded only here, like the port: most helpers serve no metrics.
    const { formatMetrics, METRICS_SQL, readSamples } = await import("./metrics.ts");
    const rows = await ask(METRICS_SQL, QUERY_MS);
    const up = { name: "up", labels: {}, value: (rows ?? (await ask("SELECT 1", UP_MS))) ? "1" : "0" };
    const common = { group: latest?.env["MSDHA_GROUP"] ?? "", node: latest?.settings.name ?? "" };
    const body = await formatMetrics([up, ...readSamples(rows ?? [])], common);
    return { code: 200, type: "text/plain; version=0.0.4; charset=utf-8", body };
  }

  return {
    async look(context) {
      latest = context;
      const { metricsPort: port, metricsAddress: host } = context.settings;
      if (listens || port === 0) return;
      listens = true;
      try {
        const { serveRoutes } = await import("@msdha/status-port");
        const place = host === "" ? { port } : { port, host };
        await serveRoutes({ answers: { "/metrics": answer } }, place, {
          name: `MSDHA_PG_METRICS_PORT ${port}`,
        });
      } catch (error) {
        listens = false;
        const message = messageOf(error);
        if (message !== complaint) context.log(`the metrics of PostgreSQL are not served: ${message}`);
        complaint = message;
      }
    },
  };
}
