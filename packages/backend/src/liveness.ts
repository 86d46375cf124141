/** What the `alive` hook has said of the program. */
export interface Liveness {
  /** How many of its last runs have failed, one after the other. */
  readonly failures: number;
  /** Why the last one failed; undefined when it did not. */
  readonly failure: string | undefined;
}
