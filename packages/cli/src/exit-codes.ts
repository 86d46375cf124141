/** What an exit code of `msdha` says; from 69 on as the other programs have them. */
export const exitCodes = {
  /** Done; for what only reads: shown. */
  done: 0,
  /** Refused: nothing was changed. */
  refused: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Something changed, but not as was asked. */
  changedOtherwise: 3,
  /** The time was over before the outcome was known. */
  unknown: 4,
  unavailable: 69,
  notPermitted: 77,
  configuration: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
