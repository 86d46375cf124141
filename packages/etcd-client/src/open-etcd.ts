import { systemClock } from "@msdha/clock";
import type { EtcdMemberInfo } from "./cluster-identity.ts";
import { type ConnectEtcdOptions, connectEtcd, type Etcd } from "./connect.ts";
import { EtcdVersionError } from "./errors.ts";
import type { EtcdSettings } from "./settings.ts";
import { describeOldVersion } from "./version.ts";
import { type WaitForEtcdOptions, waitForEtcd } from "./wait-for-etcd.ts";

export interface OpenEtcdOptions
  extends Omit<ConnectEtcdOptions, "onMember">,
    Pick<WaitForEtcdOptions, "timeoutMs" | "signal" | "range" | "onRetry"> {
  /** What a version with known faults means at the start: a call of `onOld`, or a rejection. Default: `warn`. */
  readonly old?: "warn" | "refuse";
  /** Called once for each such version, with a sentence that names the endpoint and what is expected. Must not throw. */
  readonly onOld?: (message: string) => void;
}

/** How long the members have to say who they are, once a quorum has answered. */
const INSPECT_MS = 3_000;

/**
 * Connects, waits until a quorum answers, and asks every member for its cluster and version. Rejects with what
 * `waitForEtcd` rejects with, with an `EtcdClusterError` when members of two clusters answer, and with an
 * `EtcdVersionError` when one has an old version that is to be refused. A member that joins or changes later is only
 * reported.
 */
export async function openEtcd(
  settings: EtcdSettings,
  { old = "warn", onOld = () => {}, timeoutMs, signal, range, onRetry, ...options }: OpenEtcdOptions,
): Promise<Etcd> {
  const { clock = systemClock } = options;
  const reported = new Set<string | undefined>();
  const reportOld = ({ endpoint, version }: EtcdMemberInfo): void => {
    const why = describeOldVersion(version);
    if (why === undefined || reported.has(version)) return;
    reported.add(version);
    onOld(`etcd at ${endpoint}: ${why}`);
  };
  const etcd = connectEtcd(settings, { ...options, onMember: reportOld });
  try {
    await waitForEtcd(etcd, {
      timeoutMs,
      clock,
      signal,
      ...(range && { range }),
      ...(onRetry && { onRetry }),
    });
    for (const member of await etcd.inspect({ timeoutMs: INSPECT_MS, signal })) {
      const why = describeOldVersion(member.version);
      if (old === "refuse" && why !== undefined) throw new EtcdVersionError(member.endpoint, why);
    }
    return etcd;
  } catch (error) {
    await etcd[Symbol.asyncDispose]();
    throw error;
  }
}
