/**
 * The reason for an abort of what is not needed any more. Nobody reads it, and it is made once: without a reason each abort
 * makes a `DOMException` with a stack, which takes longer than all else that a time limit does.
 */
export const notNeeded: Error = new Error("it is not needed any more");
