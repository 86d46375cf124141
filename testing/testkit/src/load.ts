import { askName } from "./named-server.ts";

/** Opens new connections at an even rate until it is stopped, and records the outcome of each. */
export interface Load {
  readonly results: readonly LoadResult[];
  /** Resolves when every connection that was opened has been answered. */
  stop(): Promise<readonly LoadResult[]>;
}

interface LoadResult {
  readonly openedAt: number;
  readonly answeredAt: number;
  /** The name of the server, or what went wrong. */
  readonly name: string;
  readonly failed: boolean;
}

export function startLoad(port: number, { perSecond }: { readonly perSecond: number }): Load {
  const results: LoadResult[] = [];
  const open = new Set<Promise<void>>();
  let due = performance.now();
  const timer = setInterval(() => {
    for (; due <= performance.now(); due += 1000 / perSecond) {
      const one = connectOnce(port, results).finally(() => open.delete(one));
      open.add(one);
    }
  }, 2);
  return {
    results,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      return results;
    },
  };
}

async function connectOnce(port: number, results: LoadResult[]): Promise<void> {
  const openedAt = performance.now();
  const outcome = await askName(port).then(
    (name) => ({ name, failed: false }),
    (error: unknown) => ({ name: String(error), failed: true }),
  );
  results.push({ openedAt, answeredAt: performance.now(), ...outcome });
}
