/** The socket's file in the run folder. */
export const CONTROL_SOCKET = "control.sock";

/** What `msdha-backend status` tells. */
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
}
