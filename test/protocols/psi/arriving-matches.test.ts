import { deepEqual, ok, throws } from 'node:assert/strict';
import { ArrivingMatches } from '../../../src/protocols/psi/arriving-matches.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const L = 6;
const values = seededRng('values')(16 * 50);
const prefixes = (...rows: (number | null)[]): Uint8Array => {
  const others = seededRng('others')(L * rows.length);
  rows.forEach((row, i) => {
    if (row !== null) others.set(values.subarray(16 * row, 16 * row + L), i * L);
  });
  return others;
};

describe('ArrivingMatches', () => {
  it('pairs rows and positions, over messages of any size', () => {
    const matches = new ArrivingMatches(values, 16, L, 7);
    matches.add(prefixes(null, 49, 0));
    matches.add(prefixes());
    matches.add(prefixes(17));
    matches.add(prefixes(null, null, 3));
    deepEqual(matches.pairs(), {
      rows: Uint32Array.of(49, 0, 17, 3),
      positions: Uint32Array.of(1, 2, 3, 6),
    });
  });

  it('holds every value and every position', () => {
    const rows = Array.from({ length: 50 }, (_, i) => 49 - i);
    const matches = new ArrivingMatches(values, 16, L, 50);
    matches.add(prefixes(...rows));
    deepEqual([...matches.pairs().rows], rows);
    deepEqual([...matches.pairs().positions], rows.toReversed());
  });

  it('refuses a prefix that matches again, in one message or two', () => {
    for (const messages of [[[4, null, 4]], [[4], [null, 4]]]) {
      const matches = new ArrivingMatches(values, 16, L, 3);
      throws(
        () => {
          for (const rows of messages) matches.add(prefixes(...rows));
        },
        { code: 'MALFORMED_MESSAGE' },
      );
    }
  });

  it('matches at random as often as the prefix is short', () => {
    const rng = seededRng('false positives');
    const [n, m] = [1000, 400];
    const own = rng(16 * n);
    let count = 0;
    for (let run = 0; run < 10; run++) {
      const matches = new ArrivingMatches(own, 16, 2, m);
      try {
        matches.add(rng(2 * m));
      } catch {
        continue; // two false matches of one item
      }
      count += matches.pairs().rows.length;
    }
    const expected = (10 * n * m) / 2 ** 16; // 61, standard deviation 8
    ok(Math.abs(count - expected) < 40, `${count} of ${expected} false matches at 2 bytes`);
  });
});
