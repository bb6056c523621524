/** Rank of rows of bytes over GF(2). */
export function rank(rows: readonly Uint8Array[]): number {
  const pivots: bigint[] = [];
  for (const row of rows) {
    let v = row.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    for (const pivot of pivots) if ((v ^ pivot) < v) v ^= pivot;
    if (v !== 0n) pivots.push(v);
  }
  return pivots.length;
}
