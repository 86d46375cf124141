/** Where a lock keeps what in etcd. */
export interface LockKeys {
  /** The lock itself, on its holder's lease. Its create revision is the token. */
  readonly lock: string;
  /** A note that the former holder is gone. The next one that takes the lock consumes it, and need not wait. */
  readonly handover: string;
  /** The longest TTL of a holder, in seconds. */
  readonly ttl: string;
}

/** The keys of a lock by its name. */
export interface NamedLockKeys extends LockKeys {
  /** Every key of the lock begins with this. */
  readonly prefix: string;
  /** What the holder writes to prove that it has the lock. */
  proof(lease: string): string;
}

/** Returns the keys of a lock. They are below `name` and a slash. Throws a `TypeError` for a name that is empty. */
export function lockKeys(name: string): NamedLockKeys {
  if (name === "") throw new TypeError("expected the name of a lock, got an empty string");
  const prefix = name.endsWith("/") ? name : `${name}/`;
  return {
    prefix,
    lock: `${prefix}lock`,
    handover: `${prefix}handover`,
    ttl: `${prefix}ttl`,
    proof: (lease) => `${prefix}proof/${lease}`,
  };
}
