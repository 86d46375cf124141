export { type LeaseLostDetails, LeaseLostError, type LeaseLostKind } from "./errors.ts";
export { acquireLease, type Lease, type LeaseOptions } from "./lease.ts";
export { type Nonce, randomNonce } from "./nonce.ts";
export type { LeaseProof, OwnLock } from "./proof.ts";
export { timing } from "./timing.ts";
