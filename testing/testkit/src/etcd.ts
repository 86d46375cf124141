import { type AuthOptions, enableAuth } from "./etcd-auth.ts";
import { type EtcdMember, startEtcdMember } from "./etcd-member.ts";
import { getFreePorts } from "./ports.ts";
import { tempDir } from "./temp-dir.ts";
import { createTlsFiles, type TlsFiles } from "./tls.ts";

export interface EtcdOptions {
  /** Switches authentication on. */
  readonly auth?: AuthOptions;
  /** TLS on the client port, client certificates required: with these files, or with new ones. */
  readonly tls?: boolean | TlsFiles;
  /** Added to etcd's command line. */
  readonly extraArgs?: readonly string[];
  /** Default: etcd's own, 100 ms. */
  readonly heartbeatMs?: number;
  /** Default: etcd's own, 1,000 ms. */
  readonly electionMs?: number;
}

/** Starts an etcd of one member and resolves when it answers linearizable reads. Gone, with its data, on dispose. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdMember> {
  const { auth, extraArgs = [], heartbeatMs, electionMs } = options;
  const folder = tempDir({ prefix: "msdha-etcd-" });
  let member: EtcdMember | undefined;
  try {
    const tls = options.tls === true ? await createTlsFiles(folder.path) : options.tls || undefined;
    const [clientPort, peerPort] = (await getFreePorts(2)) as [number, number];
    member = startEtcdMember({
      ...{ name: "m0", folder: folder.path, clientPort, peerPort, tls, extraArgs, heartbeatMs, electionMs },
      initialCluster: `m0=http://127.0.0.1:${peerPort}`,
      afterDispose: async () => folder[Symbol.asyncDispose](),
    });
    await member.ready();
    if (auth) await enableAuth(member, auth);
    return member;
  } catch (error) {
    await (member ?? folder)[Symbol.asyncDispose]();
    throw error;
  }
}
