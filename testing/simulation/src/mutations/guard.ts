import type { GuardedProcess, KillReport } from "@msdha/guard";
import { withMany } from "./circumstances.ts";
import { keepGuard } from "./keep-guard.ts";
import type { Mutation } from "./mutation.ts";

const NOTHING_KILLED: KillReport = { killed: 0, someKilled: [] };

export const killAtThreeTtls: Mutation = {
  rule: "2: the kill time is 3 TTLs after the last proof instead of 1.75",
  noticedBy: "goneByKillTime",
  collaborators: {
    guard: (guard, { ttlMs }) => ({
      ...keepGuard(guard),
      setDeadline: (at) => guard.setDeadline(at === undefined ? at : at + 1.25 * ttlMs),
    }),
  },
};

export const noKillTimeDuringStops: Mutation = {
  rule: "2: the kill time is called off once a stop has begun",
  noticedBy: "goneByKillTime",
  collaborators: {
    guard(guard) {
      let stopping = false;
      return {
        ...keepGuard(guard),
        setDeadline: (at) => guard.setDeadline(stopping ? undefined : at),
        async spawn(...args) {
          const process = await guard.spawn(...args);
          return {
            ...process,
            kill(...how) {
              stopping = true;
              guard.setDeadline(undefined).catch(() => {});
              process.kill(...how);
            },
          };
        },
      };
    },
  },
};

export const goneIsWhatWasStarted: Mutation = {
  rule: "3: what descends from the started programs is not looked for",
  noticedBy: "handOverWhenGone",
  collaborators: {
    guard(guard) {
      const started: GuardedProcess[] = [];
      return {
        ...keepGuard(guard),
        async spawn(...args) {
          const process = await guard.spawn(...args);
          started.push(process);
          return process;
        },
        async killAll() {
          for (const process of started) process.kill("SIGKILL");
          await Promise.all(started.map(({ exited }) => exited));
          return NOTHING_KILLED;
        },
      };
    },
  },
};

export const handOverBeforeGone: Mutation = {
  rule: "7: the lock is handed over before everything is gone",
  noticedBy: "handOverWhenGone",
  collaborators: {
    guard: (guard) => ({
      ...keepGuard(guard),
      killAll: async () => NOTHING_KILLED,
    }),
  },
  circumstances: (usual) => ({ ...withMany("stopNode")(usual), trouble: 1 }),
};

export const givenBackUnkilled: Mutation = {
  rule: "3: the lock is given back a TTL after everything should have been killed, whatever is still alive",
  noticedBy: "givenBackWhenKilled",
  collaborators: {
    guard: (guard) => ({
      ...keepGuard(guard),
      killAll: () => new Promise(() => {}),
      signalAll: async () => ({ reached: 1, someReached: [], denied: 0, someDenied: [] }),
    }),
  },
  circumstances: (usual) => ({ ...withMany("stopNode")(usual), trouble: 1 }),
};

export const demotedOnly: Mutation = {
  rule: "9: who loses the lock goes on as a slave",
  noticedBy: "goneByKillTime",
  collaborators: {
    guard(guard, run, { facts }) {
      const demoted = (): boolean => run.published && facts.group.lock?.run !== run;
      return {
        ...keepGuard(guard),
        setDeadline: (at) => guard.setDeadline(demoted() ? undefined : at),
        async spawn(...args) {
          const process = await guard.spawn(...args);
          return { ...process, kill: (...how) => (demoted() ? undefined : process.kill(...how)) };
        },
        killAll: () => (demoted() ? new Promise(() => {}) : guard.killAll()),
      };
    },
  },
};

export const noGuard: Mutation = {
  rule: "10: nobody kills what a frozen supervisor left",
  noticedBy: "goneByKillTime",
  collaborators: { guard: (guard) => ({ ...keepGuard(guard), setDeadline: async () => {} }) },
};

export const deadlineNotReadAgain: Mutation = {
  rule: "10: the guard does not look at the deadline before it starts something",
  noticedBy: "goneByKillTime",
  collaborators: { startsPastDeadline: true },
};

export const deniedUnnoticed: Mutation = {
  rule: "3: nobody asks the guard whether it may kill what it runs",
  noticedBy: "permittedWhenPublished",
  collaborators: {
    guard: (guard) => ({
      ...keepGuard(guard),
      survey: async () => ({ reached: 0, someReached: [], denied: 0, someDenied: [] }),
    }),
  },
  circumstances: withMany("changeUser", "killContainer"),
};

export const graceWhenOvertaken: Mutation = {
  rule: "2: who learns of its successor stops gracefully",
  noticedBy: "killsWhenOvertaken",
  collaborators: {
    guard: (guard, run) => ({
      ...keepGuard(guard),
      setDeadline: (at) => (at === Number.NEGATIVE_INFINITY ? Promise.resolve() : guard.setDeadline(at)),
      // The kill at the end of a graceful stop is the kill time's.
      killAll: () =>
        run.overtakenAt === undefined ? guard.killAll() : guard.gone().then(() => NOTHING_KILLED),
    }),
  },
  circumstances: (usual) => ({ ...withMany("pauseMachine", "deleteLock")(usual), trouble: 1 }),
};
