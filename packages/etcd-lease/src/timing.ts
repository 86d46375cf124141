/**
 * The numbers of the safety argument (docs/protocol.md), all in TTLs or per TTL. A holder that is cut off is gone
 * `goneAfterTtls` after its last proof was sent; the next one begins `settleTtls` after it, or later. The difference
 * allows for clocks that do not run equally fast. The checkers (docs/model, testing/simulation) have copies of their own.
 */
export const timing = {
  /** How often a lease is proved within a TTL. */
  proofsPerTtl: 3,
  /** When nothing of a holder is alive any more, counted from when its last proof was sent. */
  goneAfterTtls: 1.75,
  /** How long the next holder waits, counted from an answer that showed the lock free. */
  settleTtls: 2,
} as const;
