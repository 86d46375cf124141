/** What an app's exit code says, in the tradition of sysexits.h. */
export const exitCodes = {
  /** Ended because it was asked to. */
  stopped: 0,
  /** etcd (or something else that is needed) could not be reached, or takes no writes. */
  unavailable: 69,
  /** A hook failed. */
  hookFailed: 70,
  /** The guard, or another part of the node itself, failed. */
  internal: 71,
  /** The name is taken, or the port is in use. */
  taken: 73,
  /** The lease, the lock or the node key was lost. */
  lost: 75,
  /** etcd refused the credentials, or the kernel the right to kill what the node started. */
  notPermitted: 77,
  /** The settings are wrong. */
  configuration: 78,
} as const;

/** Returns the exit code for a port that can't be listened on, by the system's code. */
export function listenExitCode(reason: string): number {
  return LISTEN_CODES[reason] ?? exitCodes.internal;
}

const LISTEN_CODES: Readonly<Record<string, number>> = {
  EADDRINUSE: exitCodes.taken,
  EACCES: exitCodes.notPermitted,
  EADDRNOTAVAIL: exitCodes.configuration,
};
