import { CommandError, refuse } from "../command-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { howItEnds, type Request } from "./write-request.ts";

export interface TakeBackOptions {
  /** What is asked for, as messages say it: "the switchover". */
  readonly what: string;
  /** A node has accepted it: it can't be withdrawn any more. */
  readonly isAccepted: boolean;
  /** What to say if it was withdrawn, and so nothing happens. */
  readonly withdrawn: string;
  /** What to say if it goes on without the command. */
  readonly underWay: string;
}

/**
 * Takes a request back because its command ends before it is done. Resolves with the error that says what is so: refused if nothing
 * happens any more, unknown if it goes on, or if etcd does not say.
 */
export async function takeBack(
  request: Request,
  { what, isAccepted, withdrawn, underWay }: TakeBackOptions,
): Promise<CommandError> {
  const outcome = isAccepted ? "gone" : await request.withdraw();
  if (outcome === "withdrawn") return refuse(withdrawn);
  if (outcome === "gone") return new CommandError(exitCodes.unknown, underWay);
  return new CommandError(
    exitCodes.unknown,
    `etcd does not answer: ${what} was asked for, and whether a node has accepted it is not known; ${howItEnds(request)}. Look with msdha list`,
  );
}
