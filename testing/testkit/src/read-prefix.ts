import { type EtcdAccess, etcdctl } from "./etcdctl.ts";

/** A range of etcd, as its gateway and `etcdctl -w json` write it. */
interface Range {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
}

/**
 * Reads all keys that begin with `prefix` (ASCII); resolves with their values by the rest of their names. A linearizable read,
 * which gives up after `limitMs`. It goes by etcd's HTTP gateway, which needs no process of its own: tests that wait for a key
 * ask fifty times a second. With TLS or a user it is `etcdctl`.
 */
export async function readPrefix(
  access: EtcdAccess,
  prefix: string,
  { limitMs = 5_000 }: { readonly limitMs?: number } = {},
): Promise<Readonly<Record<string, string>>> {
  if (access.tls === undefined && access.user === undefined)
    return parse(await askGateway(access, { prefix, limitMs }), prefix);
  const limits = [`--command-timeout=${limitMs}ms`, `--dial-timeout=${limitMs}ms`];
  return await readPrefixBy((...args) => etcdctl(access, ...args, ...limits), prefix);
}

/** The same by an `etcdctl` that runs elsewhere, in a container or a network of its own; resolves with what `ask` has it print. */
export async function readPrefixBy(
  ask: (...args: string[]) => Promise<string>,
  prefix: string,
): Promise<Readonly<Record<string, string>>> {
  return parse(await ask("get", "--prefix", prefix, "-w", "json"), prefix);
}

function parse(text: string, prefix: string): Readonly<Record<string, string>> {
  const { kvs = [] } = JSON.parse(text) as Range;
  return Object.fromEntries(
    kvs.map(({ key, value = "" }) => [decode(key).slice(prefix.length), decode(value)]),
  );
}

async function askGateway(
  { endpoint }: EtcdAccess,
  { prefix, limitMs }: { readonly prefix: string; readonly limitMs: number },
): Promise<string> {
  const last = prefix.charCodeAt(prefix.length - 1);
  const end = prefix.slice(0, -1) + String.fromCharCode(last + 1);
  const answer = await fetch(`${endpoint}/v3/kv/range`, {
    method: "POST",
    // A connection that is kept would be reset when its member is killed, and fail the next question.
    headers: { connection: "close" },
    body: JSON.stringify({ key: btoa(prefix), range_end: btoa(end) }),
    signal: AbortSignal.timeout(limitMs),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`etcd at ${endpoint}: ${answer.status} ${text}`);
  return text;
}

function decode(text: string): string {
  return Buffer.from(text, "base64").toString();
}
