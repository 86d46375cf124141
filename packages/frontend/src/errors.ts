export { ListenError } from "@msdha/status-port";

/** A program that is needed is not there, or can't be run. */
export class ProgramMissingError extends Error {
  override readonly name = "ProgramMissingError";
  readonly code = "ERR_PROGRAM_MISSING";
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
