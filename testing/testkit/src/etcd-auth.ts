import type { EtcdMember } from "./etcd-member.ts";

export interface AuthOptions {
  readonly rootPassword: string;
  readonly users?: readonly {
    readonly name: string;
    readonly password: string;
    /** A prefix that the user may read and write; without it the user may do nothing. */
    readonly prefix?: string;
  }[];
}

/** Makes the user root and the others, and switches authentication on; `member.etcdctl` goes on as root. */
export async function enableAuth(
  member: EtcdMember,
  { rootPassword, users = [] }: AuthOptions,
): Promise<void> {
  await member.etcdctl("user", "add", `root:${rootPassword}`);
  await member.etcdctl("user", "grant-role", "root", "root");
  for (const { name, password, prefix } of users) {
    await member.etcdctl("user", "add", `${name}:${password}`);
    if (prefix === undefined) continue;
    await member.etcdctl("role", "add", name);
    await member.etcdctl("role", "grant-permission", name, "--prefix=true", "readwrite", prefix);
    await member.etcdctl("user", "grant-role", name, name);
  }
  await member.etcdctl("auth", "enable");
  member.access.user = `root:${rootPassword}`;
}
