import { createHash } from 'node:crypto';

/** Crockford's alphabet in lower case: no i, l, o, u. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const MODEL_ID = /^model-[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/**
 * The id of a task's model: a ULID (https://github.com/ulid/spec) of the contract's time and 80 bits
 * of SHA-256("entente/model-id/v1" | taskId), so that every party gives it the same one.
 * @param createdAt the contract's, ISO 8601 UTC
 */
export function modelId(taskId: string, createdAt: string): string {
  const time = Date.parse(createdAt);
  if (!(time >= 0 && time < 2 ** 48))
    throw new RangeError('"createdAt" expected a time since 1970');
  const random = createHash('sha256')
    .update(`entente/model-id/v1${taskId}`)
    .digest()
    .subarray(0, 10);
  const value = (BigInt(time) << 80n) | BigInt(`0x${random.toString('hex')}`);
  let text = '';
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += DIGITS[Number((value >> shift) & 31n)];
  return `model-${text}`;
}

export function isModelId(text: string): boolean {
  return MODEL_ID.test(text);
}
