/**
 * Shares as they stand in a model part. Apart from its schema: task threads write shares and check no
 * document, and the checker takes a thread longer to load than everything else.
 */

/** Shares as they stand in the document. */
export function encodeShareWords(words: BigUint64Array): string {
  const bytes = Buffer.alloc(8 * words.length);
  for (const [i, word] of words.entries()) bytes.writeBigUInt64LE(word, 8 * i);
  return bytes.toString('base64');
}

/** The inverse of `encodeShareWords`, for a part that was parsed. */
export function decodeShareWords(text: string): BigUint64Array {
  const bytes = Buffer.from(text, 'base64');
  return BigUint64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
}
