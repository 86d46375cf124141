import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTlsFiles, renewTlsFiles, waitFor } from "@msdha/testkit";
import type { IOptions } from "etcd3";

interface Asked {
  ask(...args: readonly string[]): Promise<string>;
}

/** How one gets into etcd. */
export interface Access {
  readonly scheme: "http" | "https";
  /** For the command line of a member. */
  readonly memberFlags: readonly string[];
  /** For that of etcdctl, which may do everything. */
  readonly clientFlags: readonly string[];
  /** For that of etcdctl on an etcd that knows no users yet. */
  readonly certificateFlags: readonly string[];
  readonly clientOptions: () => Pick<IOptions, "auth" | "credentials">;
  /** For nodes and frontends, which may read and write the group's keys and no others. */
  readonly environment: NodeJS.ProcessEnv;
  /** Makes the users of a running etcd that has none. */
  secure(etcd: Asked): Promise<void>;
  /** Puts new certificates in the place of the old ones, on disk. */
  renew(): Promise<void>;
}

/** Everybody may do everything. */
export const OPEN_ACCESS: Access = {
  scheme: "http",
  memberFlags: [],
  clientFlags: [],
  certificateFlags: [],
  clientOptions: () => ({}),
  environment: {},
  secure: async () => {},
  renew: async () => {},
};

const ROOT = { username: "root", password: "root's" };
const USER = { username: "msdha", password: "a:pass word%" };
const MOST_HOSTS = 30;
const SECURE_LIMIT_MS = 60_000;

/** Certificates in both directions, and a user whose role is the group's prefix. */
export async function createAccess(
  folder: string,
  { subnet, prefix }: { readonly subnet: string; readonly prefix: string },
): Promise<Access> {
  mkdirSync(folder, { recursive: true });
  const addresses = Array.from({ length: MOST_HOSTS }, (_, index) => `${subnet}.${index + 1}`);
  const tls = await createTlsFiles(folder, { addresses });
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${USER.password}\n`, { mode: 0o600 });
  const asRoot = `--user=${ROOT.username}:${ROOT.password}`;
  const certificateFlags = [
    `--cacert=${tls.caCert}`,
    `--cert=${tls.clientCert}`,
    `--key=${tls.clientKey}`,
  ] as const;
  let clientFlags: readonly string[] = certificateFlags;
  return {
    scheme: "https",
    memberFlags: [
      ...[`--cert-file=${tls.serverCert}`, `--key-file=${tls.serverKey}`],
      ...[`--trusted-ca-file=${tls.caCert}`, "--client-cert-auth"],
    ],
    certificateFlags,
    get clientFlags() {
      return clientFlags;
    },
    clientOptions: () => ({
      auth: ROOT,
      credentials: {
        rootCertificate: readFileSync(tls.caCert),
        certChain: readFileSync(tls.clientCert),
        privateKey: readFileSync(tls.clientKey),
      },
    }),
    environment: {
      ETCDCTL_CACERT: tls.caCert,
      ETCDCTL_CERT: tls.clientCert,
      ETCDCTL_KEY: tls.clientKey,
      ETCDCTL_USER: USER.username,
      ETCDCTL_PASSWORD_FILE: passwordFile,
    },
    async secure(etcd) {
      const ask = (...args: readonly string[]): Promise<unknown> => askSurely(etcd, args);
      await ask("user", "add", `${ROOT.username}:${ROOT.password}`);
      await ask("user", "grant-role", ROOT.username, "root");
      await ask("user", "add", `${USER.username}:${USER.password}`);
      await ask("role", "add", "group");
      await ask("role", "grant-permission", "group", "--prefix=true", "readwrite", prefix);
      await ask("user", "grant-role", USER.username, "group");
      await ask("auth", "enable");
      clientFlags = [...certificateFlags, asRoot];
    },
    async renew() {
      await renewTlsFiles(folder, { addresses });
    },
  };
}

/** A busy etcd takes longer to hash a password than etcdctl waits; it may have done it all the same. */
async function askSurely({ ask }: Asked, args: readonly string[]): Promise<void> {
  const done = async (): Promise<true> => {
    await ask(...args).catch((error: unknown) => {
      const answers: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
      if (!answers.some((answer) => /already/.test(String(answer)))) throw error;
    });
    return true;
  };
  await waitFor(done, { what: args.join(" "), timeoutMs: SECURE_LIMIT_MS, intervalMs: 500 });
}
