/** How far a node has come in giving up, by itself, what it has: its key, then everything that runs, then its lock. */
export type Leaving = "nothing" | "key" | "gone" | "lock";
