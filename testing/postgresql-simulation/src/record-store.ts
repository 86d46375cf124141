import type { RecordStore, SyncRecord } from "@msdha/postgresql";
import type { Random } from "./random.ts";
import { NOT_YET, type Owner, type Tasks } from "./tasks.ts";

/** The group's record in etcd, with writes that fail, and some that are carried out late. */
export interface SimulatedEtcd {
  readonly record: SyncRecord;
  /** The fencing token of the lock holder; undefined while there is none. */
  lock: string | undefined;
  /** It answers nothing now. */
  frozen: boolean;
  /** A store as a node sees it whose token is this. */
  storeOf(owner: Owner, token: () => string): RecordStore;
  /** Carries out a write that failed, if nothing was written since it was sent; false where there is none. */
  carryOutLate(): boolean;
}

/** What a write compares. Each can be switched off to see whether it is needed. */
export interface EtcdRules {
  readonly compareToken: boolean;
  readonly compareRevision: boolean;
}

/** Makes one. `onWrite` is called for each write that is carried out, with what was there before. */
export function createEtcd(
  random: Random,
  tasks: Tasks,
  {
    rules,
    onWrite,
  }: { readonly rules: EtcdRules; readonly onWrite: (before: SyncRecord, next: SyncRecord) => void },
): SimulatedEtcd {
  let record: SyncRecord = { kind: "none" };
  let revision = 0;
  const late: (() => void)[] = [];

  const etcd: SimulatedEtcd = {
    get record() {
      return record;
    },
    lock: undefined,
    frozen: false,
    storeOf: (owner, token) => ({
      read: () => tasks.ask(owner, () => (etcd.frozen ? NOT_YET : record)),
      async write(next) {
        const sentAt = revision;
        const sentBy = token();
        const carryOut = (): boolean => {
          if (rules.compareToken && etcd.lock !== sentBy) return false;
          if (rules.compareRevision && revision !== sentAt) return false;
          onWrite(record, next);
          record = next;
          revision += 1;
          return true;
        };
        await tasks.ask(owner, () => {
          if (etcd.frozen) return NOT_YET;
          if (random.oneIn(6)) {
            const fate = random.below(4);
            if (fate < 2) late.push(() => void carryOut());
            if (fate === 2) carryOut();
            throw new Error("etcd does not answer");
          }
          if (!carryOut()) throw new Error("refused: another one was carried out, or this is not the master");
          return undefined;
        });
      },
    }),
    carryOutLate() {
      const index = random.below(Math.max(late.length, 1));
      const [write] = late.splice(index, 1);
      write?.();
      return write !== undefined;
    },
  };
  return etcd;
}
