import { randomBytes } from "node:crypto";

/** Returns a text that no other call returns, on any machine. */
export type Nonce = () => string;

/** Returns 96 random bits, in hex. */
export const randomNonce: Nonce = () => randomBytes(12).toString("hex");
