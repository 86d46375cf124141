import { type ILeaseKeepAliveResponse, LeaseClient } from "etcd3";
import { EtcdUnavailableError } from "./errors.ts";
import type { Attempt } from "./link.ts";

/** Renews a lease with one request on a stream of its own: what answers it can't belong to an older request. */
export async function keepAliveOnce(
  id: string,
  { rpc, deadline, signal, onHeader }: Attempt,
): Promise<number> {
  const stream = await new LeaseClient(rpc).leaseKeepAlive({ deadline });
  const cancel = (): void => stream.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const { TTL, header } = await new Promise<ILeaseKeepAliveResponse>((resolve, reject) => {
      // The listeners stay: an error that comes late, or after a cancel, must not be thrown as unhandled.
      stream.on("data", resolve);
      stream.on("error", reject);
      stream.on("end", () =>
        reject(new EtcdUnavailableError("the keepalive stream ended without an answer")),
      );
      if (signal.aborted) cancel();
      else stream.write({ ID: id });
    });
    stream.end();
    onHeader(header);
    return Number(TTL);
  } catch (error) {
    stream.cancel();
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
