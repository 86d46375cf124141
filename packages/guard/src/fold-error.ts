import { GuardLostError, GuardPastDeadlineError } from "./errors.ts";
import type { FoldReason } from "./protocol.ts";

/** Returns the reason of `lost` for a guard that says why it folds. */
export function foldError(why: FoldReason): GuardLostError | GuardPastDeadlineError {
  switch (why) {
    case "deadline":
      return new GuardPastDeadlineError();
    case "partner":
      return new GuardLostError("one of its processes died");
    case "broken":
      return new GuardLostError("it could not read a command");
    case "closed":
      return new GuardLostError("its connection closed");
  }
}
