/**
 * The socket's file in the run folder. A caller sends its arguments, each with a NUL behind it, and ends its side; the
 * answer is a byte, the exit code, and text for its standard output (code 0) or standard error (any other).
 * `@msdha/guard` speaks this: `askServer`, and `c/ask.c` for hooks, which should not wait for a Node to start.
 */
export const CONTROL_SOCKET = "control.sock";

/** What `msdha-backend status` prints. */
export interface NodeStatus {
  readonly group: string;
  readonly node: string;
  readonly state: string;
  /** Whether the node is on its way to the end. */
  readonly ending: boolean;
  readonly master: string | null;
  readonly masterAddress: string | null;
  readonly nodes: Readonly<Record<string, string>>;
  /** Where each node is reached. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly nodeStateChangeFailures: number;
  /** How many bytes of the master's data the node lacks, and a note, by its `report` hook: null and empty without one. */
  readonly behindBytes: number | null;
  readonly note: string;
  /** What the `alive` hook says: null where there is none, or before its first run. */
  readonly alive: { readonly failures: number; readonly failure: string | null } | null;
}
