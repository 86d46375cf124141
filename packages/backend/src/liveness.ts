/** What the `alive` hook has said of the program. */
export interface Liveness {
  /** How many of its last runs have failed, one after the other. */
  readonly failures: number;
  /** Why the last one failed; undefined when it did not. */
  readonly failure: string | undefined;
}

/** The last answer of the `alive` hook. alive.ts writes it. */
export interface LivenessRecord {
  /** undefined before the first run, and where there is no such hook. */
  readonly latest: Liveness | undefined;
  note(liveness: Liveness): void;
}

export function recordLiveness(): LivenessRecord {
  let latest: Liveness | undefined;
  return {
    get latest() {
      return latest;
    },
    note(liveness) {
      latest = liveness;
    },
  };
}
