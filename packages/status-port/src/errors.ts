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

const explanations: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EACCES: "this user may not (a port below 1024?)",
  EADDRNOTAVAIL: "this machine does not have that address",
};
