import { createServer } from "node:net";
import type { Clock } from "@msdha/clock";
import { ListenError } from "../errors.ts";

/** How long a HAProxy that was just killed may take to let go of its port. */
const IN_USE_MS = 2_000;
const RETRY_MS = 50;
const NO_IPV6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/**
 * Listens on the port for a moment, so that what is wrong is known before HAProxy is started. Resolves with the
 * addresses to listen on: those given, or all of IPv6 and IPv4, or all of IPv4 where there is no IPv6. Rejects with
 * a `ListenError`; a port in use is looked at again for two seconds first.
 */
export async function checkListen(
  addresses: readonly string[],
  port: number,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const until = clock.now() + IN_USE_MS;
  for (;;) {
    const reason = await firstProblem(addresses.length > 0 ? addresses : ["::"], port);
    if (reason === undefined) return addresses.length > 0 ? addresses : ["::"];
    if (addresses.length === 0 && NO_IPV6.has(reason.code)) return checkListen(["0.0.0.0"], port, { clock });
    if (reason.code !== "EADDRINUSE" || clock.now() >= until) {
      throw new ListenError(describe(addresses.length > 0 ? reason.address : "*", port), reason.code, reason);
    }
    await clock.sleep(RETRY_MS, { signal });
  }
}

/** An address and a port as one word. */
function describe(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

interface Problem {
  readonly address: string;
  readonly code: string;
  readonly cause: unknown;
}

async function firstProblem(addresses: readonly string[], port: number): Promise<Problem | undefined> {
  for (const address of addresses) {
    const problem = await tryListen(address, port);
    if (problem) return problem;
  }
  return undefined;
}

function tryListen(address: string, port: number): Promise<Problem | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve({ address, code: error.code ?? String(error), cause: error });
    });
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
