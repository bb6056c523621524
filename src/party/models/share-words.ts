/**
 * Shares as they stand in a model part. Apart from its schema: task threads write shares and check no
 * document, and the checker takes a thread longer to load than everything else.
 */

import { wordsToBytes } from '../../protocols/primitives/words.ts';

/** Shares as they stand in the document. */
export function encodeShareWords(words: BigUint64Array): string {
  return Buffer.from(wordsToBytes(words)).toString('base64');
}

/** The inverse of `encodeShareWords`, for a part that was parsed. */
export function decodeShareWords(text: string): BigUint64Array {
  return new BigUint64Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
}
