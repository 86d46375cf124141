import { randomBytes } from "node:crypto";

/** Returns a text that no other call returns, on any machine. */
export type Nonce = () => string;

/**
 * Returns 96 random bits, and the time in nanoseconds: a copy of this machine may have a copy of the generator's state, but
 * does not do the same in the same nanosecond.
 */
export const randomNonce: Nonce = () =>
  `${randomBytes(12).toString("hex")}-${process.hrtime.bigint().toString(36)}`;
