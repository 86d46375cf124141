import { lookup as lookupInSystem } from "node:dns/promises";
import { isIP } from "node:net";
import type { Clock } from "@msdha/clock";

/** Returns every address of a host. Rejects when the name can't be resolved. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** The addresses of some hosts, as the last answers had them. */
export interface AddressBook {
  /** What is known of a host: nothing before the first answer. An address is its own. */
  of(host: string): readonly string[];
  /** Looks every name up again, one after the other, unless that was begun less than `atMostEveryMs` ago. Never rejects. */
  refresh(options: { readonly atMostEveryMs: number }): Promise<void>;
  /** Why the last look-up of a name failed. */
  readonly failure: Error | undefined;
}

export interface AddressBookOptions {
  readonly clock: Clock;
  readonly lookup?: Lookup;
  /** Called when the addresses of a host have changed. */
  readonly onChange: () => void;
}

/** Returns a host's addresses in the order in which the system gives them: `/etc/hosts` and search domains count too. */
async function systemLookup(host: string): Promise<readonly string[]> {
  const found = await lookupInSystem(host, { all: true });
  return found.map(({ address }) => address);
}

export function createAddressBook(
  hosts: readonly string[],
  { clock, onChange, ...options }: AddressBookOptions,
): AddressBook {
  const lookup: Lookup = options.lookup ?? systemLookup;
  const names = [...new Set(hosts)].filter((host) => !isIP(host));
  const known = new Map<string, readonly string[]>();
  let failure: Error | undefined;
  let begun = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  /** One after the other: a resolver that is silent holds up a thread of the process for as long as it is. */
  async function refreshAll(): Promise<void> {
    for (const name of names) {
      try {
        const found = await lookup(name);
        const addresses = [...new Set(found)];
        if (addresses.length > 0 && !isSame(known.get(name), addresses)) {
          known.set(name, addresses);
          onChange();
        }
      } catch (error) {
        failure = new Error(`the name ${name} can't be resolved (${codeOf(error)})`, { cause: error });
      }
    }
  }

  return {
    of: (host) => (isIP(host) ? [host] : (known.get(host) ?? [])),
    refresh({ atMostEveryMs }) {
      if (running !== undefined) return running;
      if (names.length === 0 || clock.now() - begun < atMostEveryMs) return Promise.resolve();
      begun = clock.now();
      running = refreshAll().finally(() => {
        running = undefined;
      });
      return running;
    },
    get failure() {
      return failure;
    },
  };
}

function isSame(before: readonly string[] | undefined, now: readonly string[]): boolean {
  return before?.length === now.length && now.every((address) => before.includes(address));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
