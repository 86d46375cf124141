/** A program that is needed is not there, or can't be run. */
export class ProgramMissingError extends Error {
  override readonly name = "ProgramMissingError";
  readonly code = "ERR_PROGRAM_MISSING";
}

/** The port can't be listened on: something else listens there, this user may not, or the address is not ours. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code = "ERR_LISTEN";
  /** `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` or another error code of the system. */
  readonly reason: string;

  constructor(where: string, reason: string, options?: ErrorOptions) {
    super(`can't listen on ${where}: ${explanations[reason] ?? reason}`, options);
    this.reason = reason;
  }
}

/** HAProxy did not come up, or ended at once. */
export class HaproxyStartError extends Error {
  override readonly name = "HaproxyStartError";
  readonly code = "ERR_HAPROXY_START";
}

/** Another frontend uses the same run folder. */
export class RunDirTakenError extends Error {
  override readonly name = "RunDirTakenError";
  readonly code = "ERR_RUN_DIR_TAKEN";

  constructor(dir: string) {
    super(`MSDHA_RUN_DIR: another frontend uses ${dir}`);
  }
}

const explanations: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EACCES: "this user may not (a port below 1024?)",
  EADDRNOTAVAIL: "this machine does not have that address",
};
