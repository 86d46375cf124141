import { bootTime } from "../support/boot-time.ts";
import { startClient, type TestClient } from "../support/client.ts";
import { isByMaster, type ServedVisit } from "./check-visits.ts";
import type { ChaosFrontend } from "./frontend.ts";
import type { GroupHistory } from "./group-history.ts";
import { SERVICE_PORT } from "./node.ts";

/** Clients that connect through every frontend all the time, and whether the master served them. */
export interface Visitors extends AsyncDisposable {
  /** Notes that frontends may not hear of changes from now on. Returns what notes the end of that. */
  blind(): () => void;
  /** Looks at what has been served, but for the last seconds. */
  check(): void;
  /** Whether a visit through this frontend that began after a time (`performance.now()`) was served. */
  servedSince(frontend: string, since: number): boolean;
  readonly served: number;
  readonly failed: number;
  /** Visits that were served by somebody who was not the master. */
  readonly strays: readonly ServedVisit[];
}

const EVERY_MS = 100;
/** After a time in which it may have been cut off from etcd, a frontend may take so long to hear of changes again. */
const RECOVERY_MS = 12_000;
/** The observer may hear of a change later than a frontend does. */
const SETTLED_MS = 4_000;

export function startVisitors(frontends: readonly ChaosFrontend[], history: GroupHistory): Visitors {
  const blindnesses: { from: number; to: number }[] = [];
  const strays: ServedVisit[] = [];
  const offset = bootTime() - performance.now();
  let served = 0;
  let failed = 0;
  const clients = frontends.map(({ name, host }) => ({
    name,
    client: startClient(SERVICE_PORT, { host: host.address, everyMs: EVERY_MS }),
    checked: 0,
  }));

  function checkClient(entry: { readonly name: string; readonly client: TestClient; checked: number }): void {
    const { visits } = entry.client;
    for (; entry.checked < visits.length; entry.checked++) {
      const visit = visits[entry.checked];
      if (!visit?.by || visit.served === undefined) {
        failed += 1;
        continue;
      }
      if (visit.served + offset > bootTime() - SETTLED_MS) return;
      served += 1;
      const one = {
        ...{ frontend: entry.name, by: visit.by },
        ...{ begun: visit.begun + offset, served: visit.served + offset },
      };
      if (!isByMaster(one, history.masterships, blindnesses)) strays.push(one);
    }
  }

  return {
    blind() {
      const blindness = { from: bootTime(), to: Number.POSITIVE_INFINITY };
      blindnesses.push(blindness);
      return () => {
        blindness.to = bootTime() + RECOVERY_MS;
      };
    },
    check() {
      // On a machine that is too busy the observer's programs may start later than the group.
      if (history.isBehind) return;
      for (const entry of clients) checkClient(entry);
    },
    servedSince(frontend, since) {
      const client = clients.find(({ name }) => name === frontend)?.client;
      return (client?.visits.findLast(({ by }) => by !== undefined)?.begun ?? 0) > since;
    },
    get served() {
      return served;
    },
    get failed() {
      return failed;
    },
    strays,
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map(({ client }) => client[Symbol.asyncDispose]()));
    },
  };
}
