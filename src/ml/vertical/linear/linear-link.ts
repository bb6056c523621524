/**
 * Errors of linear regression from shared logits: e = z - y, faithfully truncated to the errors' scale.
 *
 * Functionality: shares of z - y at `ERROR_BITS`, exact to one unit in the last place.
 * Security: that of `sharing/truncate.ts`; semi-honest.
 * Leaks:    nothing but sizes.
 * Cost:     one correlated OT a row, one message each way.
 */
import { truncate } from '../../../protocols/sharing/truncate.ts';
import { ERROR_BITS, subtract, toFixed } from './fixed-point.ts';
import type { LinkContext } from './link.ts';
import type { LinkRows } from './logistic-link.ts';

/** Share of z - y at `ERROR_BITS`, [n]. `rows.labels` is the label holder's scaled target. */
export async function linearErrors(context: LinkContext, rows: LinkRows): Promise<BigUint64Array> {
  const z =
    context.role === 'label_holder'
      ? subtract(rows.z, toFixed(rows.labels!, rows.logitBits))
      : rows.z;
  return truncate(context.ot, z, rows.logitBits - ERROR_BITS);
}
