import { type Clock, isTimeoutError, withTimeout } from "@msdha/clock";
import { type AddressBook, createAddressBook, type Lookup } from "./addresses.ts";
import type { CallOptions } from "./api.ts";
import type { ClusterIdentity } from "./cluster-identity.ts";
import { EtcdUnavailableError } from "./errors.ts";
import { createLink, type Link } from "./link.ts";
import { type EtcdMember, linkedMember } from "./member.ts";
import { type EtcdSettings, type EtcdTarget, targetOf } from "./settings.ts";

/** The members of a cluster: one for each address of each endpoint's host. */
export interface MemberPool extends AsyncDisposable {
  /** As they are known now, in the order of the endpoints; none as long as no name was resolved. Looks for others meanwhile. */
  list(): readonly EtcdMember[];
  /** Resolves with the members as soon as there is one. Rejects with an `EtcdUnavailableError` after `timeoutMs`. */
  known(options: CallOptions): Promise<readonly EtcdMember[]>;
  /** Resolves with the members when every name was looked up once more, or after `timeoutMs`. */
  all(options: CallOptions): Promise<readonly EtcdMember[]>;
  /** A member failed: its name may have other addresses by now. */
  doubt(): void;
}

export interface PoolOptions {
  readonly clock: Clock;
  readonly identity: ClusterIdentity;
  readonly lookup?: Lookup | undefined;
}

/** How often names are looked up again, and connections opened anew, while calls are made. */
const REFRESH_MS = 30_000;
/** The same after a member has failed. */
const DOUBT_MS = 2_000;
const LOOK_AGAIN_MS = 200;
const OPEN_TIMEOUT_MS = 2_000;

interface Slot {
  readonly target: EtcdTarget;
  readonly link: Link;
  readonly member: EtcdMember;
}

export function createPool(settings: EtcdSettings, { clock, identity, lookup }: PoolOptions): MemberPool {
  const { endpoints, user, tls } = settings;
  const hosts = endpoints.map((endpoint) => targetOf(endpoint).host);
  const book: AddressBook = createAddressBook(hosts, { clock, ...(lookup && { lookup }), onChange: arrange });
  let slots: readonly Slot[] = [];
  let members: readonly EtcdMember[] = [];
  let openedAt = clock.now();
  let closed = false;

  function openSlot(target: EtcdTarget): Slot {
    const link = createLink({ target, user, tls, clock, identity });
    return { target, link, member: linkedMember(link) };
  }

  /** An address that is no longer among a name's is kept as long as it is connected. */
  function arrange(): void {
    if (closed) return;
    const wanted = endpoints.flatMap((endpoint, index) => {
      const host = hosts[index] as string;
      const fresh = book.of(host).map((ip) => targetOf(endpoint, ip));
      const kept = slots.filter(
        ({ target, link }) => target.host === host && target.secure === endpoint.secure && link.open,
      );
      return [...fresh, ...kept.map(({ target }) => target)];
    });
    const before = new Map(slots.map((slot) => [keyOf(slot.target), slot]));
    const next = new Map<string, Slot>();
    for (const target of wanted) {
      const key = keyOf(target);
      if (!next.has(key)) next.set(key, before.get(key) ?? openSlot(target));
    }
    for (const [key, { link }] of before) if (!next.has(key)) link.close();
    // With one address the second "member" is a second connection to it.
    const [only] = next.values();
    if (only && next.size === 1) next.set("", before.get("") ?? openSlot(only.target));
    slots = [...next.values()];
    members = slots.map(({ member }) => member);
  }

  /** Opens what is not open, so that a connection is there before it is needed. */
  function openAll(): void {
    openedAt = clock.now();
    const asked = slots.length === 2 && keyOf(slots[0]?.target) === keyOf(slots[1]?.target) ? [] : slots;
    for (const { link, member } of asked) {
      if (!link.open) member.identify({ timeoutMs: OPEN_TIMEOUT_MS }).catch(() => {});
    }
  }

  function list(): readonly EtcdMember[] {
    void book.refresh({ atMostEveryMs: REFRESH_MS });
    if (clock.now() - openedAt >= REFRESH_MS) openAll();
    return members;
  }

  async function known({ timeoutMs, signal }: CallOptions): Promise<readonly EtcdMember[]> {
    const now = list();
    if (now.length > 0) return now;
    try {
      return await withTimeout(clock, timeoutMs, waitForAny, { signal });
    } catch (error) {
      if (!isTimeoutError(error)) throw error;
      const why = book.failure?.message ?? "no name was resolved in time";
      throw new EtcdUnavailableError(`etcd gave no answer within ${Math.round(timeoutMs)} ms: ${why}`, {
        cause: book.failure,
      });
    }
  }

  async function waitForAny(signal: AbortSignal): Promise<readonly EtcdMember[]> {
    for (;;) {
      signal.throwIfAborted();
      await Promise.race([
        book.refresh({ atMostEveryMs: LOOK_AGAIN_MS }),
        clock.sleep(LOOK_AGAIN_MS, { signal }),
      ]);
      if (members.length > 0) return members;
      await clock.sleep(LOOK_AGAIN_MS, { signal });
    }
  }

  arrange();
  return {
    list,
    known,
    async all({ timeoutMs, signal }) {
      const refreshed = (): Promise<void> => book.refresh({ atMostEveryMs: 0 });
      await withTimeout(clock, timeoutMs, refreshed, { signal }).catch(() => signal?.throwIfAborted());
      return members;
    },
    doubt: () => void book.refresh({ atMostEveryMs: DOUBT_MS }),
    [Symbol.asyncDispose]() {
      closed = true;
      for (const { link } of slots) link.close();
      return Promise.resolve();
    },
  };
}

function keyOf(target: EtcdTarget | undefined): string {
  return `${target?.secure} ${target?.host} ${target?.dial}`;
}
