import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { describeEndpoints, openEtcd } from "@msdha/etcd-client";
import { groupKeys } from "@msdha/group";
import type { Log } from "@msdha/log";
import { serveAsks } from "./ask-server.ts";
import type { FrontendConfig } from "./config.ts";
import { startHaproxy } from "./haproxy/start-haproxy.ts";
import { lookupHost } from "./lookup.ts";
import { reachPort } from "./reach.ts";
import type { FrontendHost } from "./run-frontend.ts";
import { serveStatus } from "./status-server.ts";

/** This machine, with HAProxy as the proxy. */
export function realHost(
  config: FrontendConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): FrontendHost {
  const { runDir, statusPort, statusAddress } = config;
  return {
    clock,
    log,
    lookup: lookupHost,
    reach: reachPort,
    async serve({ routes, readStatus }) {
      await using stack = new AsyncDisposableStack();
      stack.use(await serveStatus(routes, { runDir, port: statusPort, address: statusAddress }));
      stack.use(await serveAsks(readStatus, runDir));
      return stack.move();
    },
    startProxy: (events, signal) => startHaproxy(config, events, { clock, log, stop: signal }),
    connectEtcd: (signal) =>
      openEtcd(config.etcd, {
        old: config.etcdOld,
        onOld: (message) => log.warn(message),
        onForeign: ({ message }) => log.error(`${message}; the second is left out`),
        timeoutMs: config.etcdTimeoutMs,
        clock,
        signal,
        range: { key: groupKeys(config.group).lock },
        onRetry: (error) =>
          log.warn(
            { etcd: describeEndpoints(config.etcd), why: describeError(error) },
            "etcd does not answer yet",
          ),
      }),
  };
}
