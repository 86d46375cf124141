import { setTimeout as sleep } from "node:timers/promises";
import {
  askName,
  openSession,
  serving,
  startLoad,
  startNamedServer,
  type TestFrontend,
  type TestGroup,
} from "../test/support.ts";
import { measureMemory, measureProcessor } from "./memory.ts";
import { quantile, report } from "./report.ts";

const nodes = [
  { name: "a", address: "127.0.0.2" },
  { name: "b", address: "127.0.0.3" },
] as const;

/**
 * Hands the mastership over again and again, under 200 new connections a second. A switch takes from the moment at
 * which etcd has answered the write that made the new master, to the first answer of the new master to a connection
 * that was opened after that moment. Resolves with the median, and how many connections have failed.
 */
export async function measureSwitches(
  frontend: TestFrontend,
  group: TestGroup,
  { switches }: { readonly switches: number },
): Promise<{ readonly medianMs: number; readonly failed: number }> {
  await using _servers = await startServers(frontend.port);
  let term = await group.becomeMaster("a", nodes[0]);
  await serving(frontend, "a");
  const load = startLoad(frontend.port, { perSecond: 200 });
  const taken: number[] = [];
  for (let number = 1; number <= switches; number++) {
    const node = number % 2 ? nodes[1] : nodes[0];
    await term.beginStop();
    await sleep(40 + Math.random() * 40);
    await term.giveBack();
    term = await group.becomeMaster(node.name, node);
    const at = performance.now();
    taken.push((await firstAnswer(frontend.port, node.name)) - at);
    await serving(frontend, node.name);
    // Long enough that nobody who waits misses this term.
    await sleep(150);
  }
  const results = await load.stop();
  await term.vanish();
  report(`switches, etcd's answer to first new connection served, ms, of ${switches}`, {
    p50: quantile(taken, 0.5),
    p99: quantile(taken, 0.99),
    max: Math.max(...taken),
  });
  const waits = results.map(({ openedAt, answeredAt }) => answeredAt - openedAt);
  const failed = results.filter((result) => result.failed).length;
  report(`connections meanwhile, at 200 a second, of ${results.length}`, {
    failed: String(failed),
    "p50 ms": quantile(waits, 0.5),
    "p99 ms": quantile(waits, 0.99),
    "max ms": Math.max(...waits),
  });
  return { medianMs: quantile(taken, 0.5), failed };
}

/** Lets clients wait for a master and reports how long they wait after it is there. */
export async function measureParking(
  frontend: TestFrontend,
  group: TestGroup,
  { clients }: { readonly clients: number },
): Promise<void> {
  await using _servers = await startServers(frontend.port);
  const sessions = Array.from({ length: clients }, () => openSession(frontend.port));
  await frontend.until("all clients to wait", ({ traffic }) => traffic?.waiting === clients);
  await measureMemory(frontend, `${clients} clients waiting`);
  await measureProcessor(frontend, `${clients} clients waiting`);
  const term = await group.becomeMaster("a", nodes[0]);
  const at = performance.now();
  const waits = await Promise.all(sessions.map(({ name }) => name.then(() => performance.now() - at)));
  for (const session of sessions) session[Symbol.dispose]();
  await term.vanish();
  report(`waiting clients, etcd's answer to served, ms, of ${clients}`, {
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    max: Math.max(...waits),
  });
}

/** Opens a connection each millisecond until one is answered by that node; resolves with when that was. */
async function firstAnswer(port: number, name: string): Promise<number> {
  const answered = Promise.withResolvers<number>();
  let done = false;
  while (!done) {
    void askName(port).then((got) => {
      if (got !== name) return;
      done = true;
      answered.resolve(performance.now());
    }, answered.reject);
    await sleep(1);
  }
  return await answered.promise;
}

async function startServers(port: number): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  for (const { name, address } of nodes) stack.use(await startNamedServer(name, { address, port }));
  return stack.move();
}
