import { type Fault, masterOrAny, someTime } from "./fault.ts";

/** What is killed meanwhile hangs in the kernel (uninterruptible sleep): it executes nothing, and is not gone. */
export const hangStorage: Fault = (group, random) =>
  masterOrAny(group, random).hangStorage(someTime(group, random));
