import { deepEqual, throws } from 'node:assert/strict';
import {
  type JoinInputs,
  joinLines,
  MOST_LINES,
} from '../../../../src/party/tasks/programs/joins.ts';
import { NO_ROW } from '../../../../src/party/tasks/programs/own-keys.ts';
import { noteGroups, recordGroups } from '../../../../src/party/tasks/programs/record-groups.ts';
import { rowNumbers } from '../../../../src/protocols/primitives/rows.ts';

const NO = NO_ROW;

/** Rows 0 and 3 have one key, rows 1, 4 and 5 another; row 2 has its own. */
function groups() {
  const all = recordGroups(6);
  const starts = Uint32Array.of(0, 2, 5, 6);
  noteGroups(all, { starts, rows: Uint32Array.of(0, 3, 1, 4, 5, 2) }, rowNumbers(6));
  return all;
}

const lines = (changes: Partial<JoinInputs>): number[] => {
  const { rows, common } = joinLines({
    join: 'inner',
    side: 'left',
    tableRows: 6,
    groups: null,
    common: Uint32Array.of(4, 1),
    theirs: null,
    onlyTheirs: 2,
    countsAll: false,
    ...changes,
  });
  return [common, ...rows];
};

describe('lines of a join', () => {
  it('are the common records, then what only the left party has, then what only the right one has', () => {
    deepEqual(lines({}), [2, 4, 1]);
    deepEqual(lines({ join: 'left' }), [2, 4, 1, 0, 2, 3, 5]);
    deepEqual(lines({ join: 'right' }), [2, 4, 1, NO, NO]);
    deepEqual(lines({ join: 'full' }), [2, 4, 1, 0, 2, 3, 5, NO, NO]);
    deepEqual(lines({ join: 'full', side: 'right' }), [2, 4, 1, NO, NO, 0, 2, 3, 5]);
    deepEqual(lines({ join: 'difference' }), [0, 0, 2, 3, 5]);
    deepEqual(lines({ join: 'left', common: Uint32Array.of() }), [0, 0, 1, 2, 3, 4, 5]);
  });

  it('leave out records whose key an earlier one has, unless all count', () => {
    const first = { groups: groups(), common: Uint32Array.of(1) };
    deepEqual(lines({ ...first, join: 'left' }), [1, 1, 0, 2]);
    deepEqual(lines({ ...first, join: 'difference' }), [0, 0, 2]);
    deepEqual(lines({ ...first, join: 'difference', countsAll: true }), [0, 0, 2, 3]);
  });

  it('are every pair of records with one key, in the order of the left party’s records', () => {
    const common = Uint32Array.of(1, 2, 0);
    const theirs = Uint32Array.of(2, 3, 1);
    const expanded = { groups: groups(), common, theirs, countsAll: true };
    deepEqual(lines({ ...expanded, side: 'left' }), [11, 1, 1, 4, 4, 5, 5, 2, 2, 2, 0, 3]);
    deepEqual(lines({ ...expanded, side: 'right' }), [11, 1, 4, 5, 1, 4, 5, 2, 2, 2, 0, 3]);
    const alone = {
      ...expanded,
      groups: null,
      common: Uint32Array.of(3),
      theirs: Uint32Array.of(2),
    };
    deepEqual(lines(alone), [2, 3, 3]);
  });

  it('are not more than a file may have', () => {
    const code = { code: 'TOO_MANY_LINES' };
    const common = Uint32Array.of(2);
    throws(() => lines({ common, theirs: Uint32Array.of(MOST_LINES + 1) }), code);
    throws(() => lines({ common, join: 'right', onlyTheirs: MOST_LINES }), code);
    throws(
      () => lines({ groups: groups(), common: Uint32Array.of(1), theirs: Uint32Array.of(2 ** 31) }),
      code,
    );
  });
});
