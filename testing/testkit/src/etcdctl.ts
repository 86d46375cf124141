import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { TlsFiles } from "./tls.ts";

const run = promisify(execFile);
const { PATH } = process.env;

/** How etcdctl gets in. */
export interface EtcdAccess {
  endpoint: string;
  /** `name:password`, once authentication is on. */
  user?: string | undefined;
  tls?: TlsFiles | undefined;
}

/**
 * Runs Debian's `etcdctl` (API 3) and resolves with its standard output; rejects with its standard error when it
 * fails. Each call gives up after 10 s; `--command-timeout` and every other flag may be among `args`.
 */
export async function etcdctl(access: EtcdAccess, ...args: string[]): Promise<string> {
  const flags = [`--endpoints=${access.endpoint}`];
  if (access.user) flags.push(`--user=${access.user}`);
  if (access.tls) {
    flags.push(
      `--cacert=${access.tls.caCert}`,
      `--cert=${access.tls.clientCert}`,
      `--key=${access.tls.clientKey}`,
    );
  }
  const { stdout } = await run("etcdctl", [...flags, ...args], {
    timeout: 10_000,
    env: { PATH, ETCDCTL_API: "3" },
  });
  return stdout;
}
