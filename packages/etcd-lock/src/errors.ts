/** The lock is gone, or is another holder's. */
export class LockLostError extends Error {
  override readonly name = "LockLostError";
  readonly code = "ERR_LOCK_LOST";
  readonly token: number;

  constructor(token: number) {
    super(`the lock that was taken at revision ${token} is gone, or is somebody else's`);
    this.token = token;
  }
}
