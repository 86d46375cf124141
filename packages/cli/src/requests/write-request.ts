import { hostname, userInfo } from "node:os";
import { type Compare, type EtcdApi, isEtcdError, type KeyValue, type Transaction } from "@msdha/etcd-client";
import { type Ask, type AskKind, type AskText, writeAsk } from "@msdha/group";
import { CommandError } from "../command-error.ts";
import { CALL_MS, type OpenGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../render/plain.ts";

/** Where requests are written. */
export interface RequestPlace extends Pick<OpenGroup, "keys" | "signal"> {
  readonly client: EtcdApi;
}

/** A request that is in etcd. */
export interface Request {
  readonly revision: number;
  /** After how many seconds etcd takes it back by itself, if nobody answers it; undefined: it stays. */
  readonly leaseSeconds: number | undefined;
  /** Takes it back, if no node has accepted it. Never rejects. */
  withdraw(): Promise<Withdrawal>;
}

/**
 * `withdrawn`: it was still there, and so nothing happens. `gone`: a node has accepted it, or it was taken away. `unknown`: etcd did not
 * answer.
 */
export type Withdrawal = "withdrawn" | "gone" | "unknown";

export interface WriteOptions {
  /** What the request was decided on: it is not written if anything of this is different now. */
  readonly compare: readonly Compare[];
  /** After how many seconds etcd takes it back by itself, if nobody answers it. Default: it stays. */
  readonly leaseSeconds?: number;
  /** A request of the same kind for a run or a lock that is gone: nobody carries it out, and it is written over. */
  readonly stale?: Ask | undefined;
}

/**
 * Writes a request below `_ask/`. Resolves with undefined if what it was decided on has changed. Rejects with a `CommandError` if etcd
 * does not say whether it was written, and with the reason of the command's signal if that aborted before.
 */
export async function writeRequest(
  { client, keys, signal }: RequestPlace,
  { kind, node }: { readonly kind: AskKind; readonly node?: string | undefined },
  text: Omit<AskText, "by" | "at">,
  { compare, leaseSeconds, stale }: WriteOptions,
): Promise<Request | undefined> {
  const key = keys.ask(kind, node);
  const call = { timeoutMs: CALL_MS };
  const lease = leaseSeconds === undefined ? undefined : await client.leaseGrant(leaseSeconds, call);
  const value = writeAsk({ ...text, by: whoAsks(), at: Date.now() });
  signal.throwIfAborted();
  const write = client.txn(
    {
      compare: [
        ...compare,
        stale
          ? unchanged({ key, modRevision: stale.revision })
          : { key, target: "create", is: "=", value: 0 },
      ],
      success: [lease ? { type: "put", key, value, lease: lease.id } : { type: "put", key, value }],
      failure: [],
    },
    call,
  );
  const { succeeded, revision } = await orUnknown(
    write,
    `whether ${nameOf(kind, node)} was asked for is not known; ${howItEnds({ leaseSeconds })}`,
  );
  if (!succeeded) return undefined;
  return {
    revision,
    leaseSeconds,
    async withdraw() {
      try {
        return (await client.txn(removal(key, revision), call)).succeeded ? "withdrawn" : "gone";
      } catch {
        return "unknown";
      }
    },
  };
}

/** Takes a key away if it is still as it was at a revision. */
function removal(key: string, revision: number): Transaction {
  return {
    compare: [{ key, target: "mod", is: "=", value: revision }],
    success: [{ type: "delete", key }],
    failure: [],
  };
}

/** What a request asks for, as messages say it. */
export function nameOf(kind: AskKind, node?: string): string {
  const name = kind === "promote" ? "promotion" : kind;
  return node === undefined ? `the ${name}` : `the ${name} of ${plain(node)}`;
}

/** What becomes of a request that no node accepts and nobody withdraws. */
export function howItEnds({ leaseSeconds }: Pick<Request, "leaseSeconds">): string {
  return leaseSeconds === undefined
    ? "the request stays until a node answers it"
    : `a request that no node accepts ends by itself within ${leaseSeconds} s`;
}

/** A write whose answer is lost may have been carried out: a `CommandError` says so then. */
async function orUnknown<T>(write: Promise<T>, what: string): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!isEtcdError(error, "ERR_ETCD_UNAVAILABLE")) throw error;
    const text = `etcd does not answer: ${what}. Look with msdha list`;
    throw new CommandError(exitCodes.unknown, text, { cause: error });
  }
}

/**
 * Takes away a request that stays. Resolves with false if it is another one by now. Rejects with a `CommandError` if etcd does not say
 * whether it was taken away, and with the reason of the command's signal if that aborted before.
 */
export async function removeRequest(
  { client, keys, signal }: RequestPlace,
  {
    kind,
    node,
    revision,
  }: { readonly kind: AskKind; readonly node: string | undefined; readonly revision: number },
): Promise<boolean> {
  signal.throwIfAborted();
  const remove = client.txn(removal(keys.ask(kind, node), revision), { timeoutMs: CALL_MS });
  const { succeeded } = await orUnknown(remove, `whether ${nameOf(kind, node)} has ended is not known`);
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
