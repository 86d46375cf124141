import type { FrontendStatus } from "./status.ts";

export interface HealthAnswer {
  /** The exit code of `msdha-frontend healthcheck`. */
  readonly code: 0 | 1;
  /** A line for standard output, or for standard error when the code is 1. */
  readonly text: string;
}

/** Says whether a frontend is healthy; with `ready` also whether there is a master to send connections to. */
export function judgeHealth(status: FrontendStatus, { ready }: { readonly ready: boolean }): HealthAnswer {
  if (!status.healthy) return unhealthy("connections do not go where they should");
  if (ready && !status.ready)
    return unhealthy(status.proven ? "there is no master" : "etcd confirms no master");
  return { code: 0, text: `${status.route}${status.following ? "" : " (etcd is away)"}\n` };
}

function unhealthy(why: string): HealthAnswer {
  return { code: 1, text: `msdha-frontend: ${why}\n` };
}
