import type { Random } from "./random.ts";

interface Task {
  /** Whoever does it: its tasks wait while it is frozen or rests, and are forgotten when it ends. */
  readonly owner: Owner;
  readonly run: () => "again" | undefined;
}

/** Something that can be frozen, and end. */
export interface Owner {
  readonly frozen: boolean;
  /** It goes on with nothing until this is false again. */
  rests: boolean;
  readonly epoch: number;
}

/** What programs have asked for and not been answered yet. One at a time is carried out, in any order. */
export interface Tasks {
  /** Resolves with what `act` returns, or rejects with what it throws, at a moment of chance. Undefined: not yet. */
  ask<T>(owner: Owner, act: () => T | typeof NOT_YET): Promise<T>;
  /** Carries one of them out; false where there is none that could be. */
  step(): boolean;
}

/** So often an owner rests when what it has asked for was done, before it has the answer. */
const RESTS_ONE_IN = 40;

/** Returned by a question that can't be answered yet. */
export const NOT_YET: unique symbol = Symbol("not yet");

export function createTasks(random: Random): Tasks {
  let waiting: (Task & { readonly epoch: number })[] = [];
  const add = (owner: Owner, run: Task["run"]): void => {
    waiting.push({ owner, epoch: owner.epoch, run });
  };
  return {
    ask: (owner, act) =>
      new Promise((resolve, reject) => {
        const answer = (give: () => void): void => {
          if (random.oneIn(RESTS_ONE_IN)) {
            owner.rests = true;
            add(owner, () => void give());
          } else give();
        };
        add(owner, () => {
          try {
            const found = act();
            if (found === NOT_YET) return "again";
            answer(() => resolve(found));
          } catch (error) {
            answer(() => reject(error));
          }
          return undefined;
        });
      }),
    step() {
      waiting = waiting.filter(({ owner, epoch }) => owner.epoch === epoch);
      const task = random.pick(waiting.filter(({ owner }) => !owner.frozen && !owner.rests));
      if (!task) return false;
      if (task.run() !== "again") waiting = waiting.filter((one) => one !== task);
      return true;
    },
  };
}

/** Resolves when every program that was answered has gone on as far as it can. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
