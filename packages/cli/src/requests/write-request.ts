import { hostname, userInfo } from "node:os";
import type { Compare, KeyValue } from "@msdha/etcd-client";
import { type AskKind, type AskText, writeAsk } from "@msdha/group";
import { CALL_MS, type OpenGroup } from "../context.ts";

/** A request that is in etcd. */
export interface Request {
  readonly revision: number;
  /** Takes it back, if no node has accepted it. Resolves with whether it was still there, and so nothing happens. */
  withdraw(): Promise<boolean>;
}

export interface WriteOptions {
  /** What the request was decided on: it is not written if anything of this is different now. */
  readonly compare: readonly Compare[];
  /** After how many seconds etcd takes it back by itself, if nobody answers it. Default: it stays. */
  readonly leaseSeconds?: number;
}

/** Writes a request below `_ask/`. Resolves with undefined if what it was decided on has changed. */
export async function writeRequest(
  { client, keys }: OpenGroup,
  { kind, node }: { readonly kind: AskKind; readonly node?: string | undefined },
  text: Omit<AskText, "by" | "at">,
  { compare, leaseSeconds }: WriteOptions,
): Promise<Request | undefined> {
  const key = keys.ask(kind, node);
  const call = { timeoutMs: CALL_MS };
  const lease = leaseSeconds === undefined ? undefined : await client.leaseGrant(leaseSeconds, call);
  const value = writeAsk({ ...text, by: whoAsks(), at: Date.now() });
  const { succeeded, revision } = await client.txn(
    {
      compare: [...compare, { key, target: "create", is: "=", value: 0 }],
      success: [lease ? { type: "put", key, value, lease: lease.id } : { type: "put", key, value }],
      failure: [],
    },
    call,
  );
  if (!succeeded) return undefined;
  return {
    revision,
    async withdraw() {
      const compared: Compare = { key, target: "mod", is: "=", value: revision };
      const answer = await client.txn(
        { compare: [compared], success: [{ type: "delete", key }], failure: [] },
        call,
      );
      return answer.succeeded;
    },
  };
}

/** Takes away a request that stays. Resolves with false if it is another one by now. */
export async function removeRequest(
  { client, keys }: OpenGroup,
  {
    kind,
    node,
    revision,
  }: { readonly kind: AskKind; readonly node: string | undefined; readonly revision: number },
): Promise<boolean> {
  const key = keys.ask(kind, node);
  const compare: Compare = { key, target: "mod", is: "=", value: revision };
  const { succeeded } = await client.txn(
    { compare: [compare], success: [{ type: "delete", key }], failure: [] },
    { timeoutMs: CALL_MS },
  );
  return succeeded;
}

/** Says that a key is what it was when it was read. */
export function unchanged({ key, modRevision }: Pick<KeyValue, "key" | "modRevision">): Compare {
  return { key, target: "mod", is: "=", value: modRevision };
}

/** Who asks, for people: a name and a machine. */
function whoAsks(): string {
  const name = process.env["SUDO_USER"] || userName();
  return `${name}@${hostname()}`;
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "someone");
  }
}
