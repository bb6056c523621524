import { deepEqual, equal } from 'node:assert/strict';
import { gapText, Numbering } from '../../../../src/party/audit/evidence/numbering.ts';

function taken(...numbers: readonly number[]) {
  const numbering = new Numbering();
  const turns = numbers.map((n) => numbering.take(n));
  return { turns, gaps: numbering.gaps.map(({ from, to }) => [from, to]), next: numbering.next };
}

describe('numbering', () => {
  it('has no gap in 0, 1, 2', () => {
    deepEqual(taken(0, 1, 2), { turns: ['next', 'next', 'next'], gaps: [], next: 3 });
  });

  it('remembers what did not come', () => {
    deepEqual(taken(0, 2, 5).gaps, [
      [1, 2],
      [3, 5],
    ]);
    deepEqual(taken(3).gaps, [[0, 3]]);
  });

  it('tells late numbers from repeated ones', () => {
    const { turns, gaps } = taken(0, 6, 3, 3, 1, 5, 6);
    deepEqual(turns, ['next', 'early', 'late', 'again', 'late', 'late', 'again']);
    deepEqual(gaps, [
      [2, 3],
      [4, 5],
    ]);
  });

  it('is bounded', () => {
    const numbering = new Numbering();
    for (let n = 1; n < 10_000; n += 2) numbering.take(n);
    equal(numbering.gaps.length, 256);
    equal(numbering.gaps.at(-1)!.to, 9999);
  });

  it('names gaps', () => {
    equal(gapText({ from: 4, to: 5 }), 'entry 4');
    equal(gapText({ from: 4, to: 7 }), 'entries 4 to 6');
  });
});
