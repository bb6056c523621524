/** Which condition a seed did not meet. */
export type OkvsFailureReason =
  | 'overflow' // a bin got more items than its capacity
  | 'gap' // peeling left more rows than the dense part is made for
  | 'rank'; // the rows are linearly dependent, as they always are when an item is repeated

/**
 * A store that cannot be built under this seed: a chance of 2^-SIGMA for distinct items. Take a fresh
 * seed, and fresh masks when a part of the store was sent already. Says nothing of any item.
 */
export class OkvsFailure extends Error {
  readonly reason: OkvsFailureReason;

  constructor(reason: OkvsFailureReason) {
    super(`the key-value store cannot be built under this seed (${reason}): take a fresh one`);
    this.name = 'OkvsFailure';
    this.reason = reason;
  }
}
