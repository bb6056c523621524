/** What a party sees of a run, as bytes that should be uniform, and a comparison of two such views. */
import { CorrelatedMasks, ExtensionColumns } from '../../proto/gen/ot.ts';
import { OpenedShare } from '../../proto/gen/sharing.ts';
import { type Frame, residueBytes } from './transcript.ts';

/** Pearson's statistic of two samples of bytes against one common distribution. */
export function twoSampleChiSquare(a: Uint8Array, b: Uint8Array): number {
  const [x, y] = [a, b].map((bytes) => {
    const counts = new Float64Array(256);
    for (const byte of bytes) counts[byte]! += 1;
    return counts;
  });
  let statistic = 0;
  for (let v = 0; v < 256; v++) {
    const both = x![v]! + y![v]!;
    if (both === 0) continue;
    const expected = (both * a.length) / (a.length + b.length);
    statistic +=
      (x![v]! - expected) ** 2 / expected + (y![v]! - (both - expected)) ** 2 / (both - expected);
  }
  return statistic;
}

/** Six standard deviations above the mean of chi-square with 255 degrees of freedom. */
export const LIMIT: number = 255 + 6 * Math.sqrt(2 * 255);

/** Masked contents of what one party received, by kind, as bytes that should be uniform. */
export function view(frames: readonly Frame[], receiver: 0 | 1): Map<string, Uint8Array> {
  const kinds = new Map<string, number[]>();
  const take = (kind: string, bytes: Iterable<number>): void => {
    const all = kinds.get(kind) ?? [];
    for (const byte of bytes) all.push(byte);
    kinds.set(kind, all);
  };
  for (const frame of frames) {
    if (frame.from === receiver) continue;
    const { type, bytes } = frame;
    if (type === ExtensionColumns.$type) take(type, ExtensionColumns.decode(bytes).u);
    else if (type === CorrelatedMasks.$type) take(type, CorrelatedMasks.decode(bytes).c);
    else if (type === OpenedShare.$type) take(type, OpenedShare.decode(bytes).share);
    else take(type, residueBytes(frame));
  }
  const enough = [...kinds].filter(([, bytes]) => bytes.length >= 5 * 256);
  return new Map(enough.map(([kind, bytes]) => [kind, Uint8Array.from(bytes)]));
}
