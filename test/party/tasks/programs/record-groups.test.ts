import { deepEqual } from 'node:assert/strict';
import { noteGroups, recordGroups } from '../../../../src/party/tasks/programs/record-groups.ts';

describe('groups of records', () => {
  it('are of one record each, until groups of some of them are noted', () => {
    const groups = recordGroups(7);
    deepEqual([...groups.firstOf], [0, 1, 2, 3, 4, 5, 6]);
    deepEqual([...groups.sizes], [1, 1, 1, 1, 1, 1, 1]);
    // Of rows 1, 3, 4 and 6 the first and the third have one key.
    const found = { starts: Uint32Array.of(0, 2, 3, 4), rows: Uint32Array.of(0, 2, 1, 3) };
    noteGroups(groups, found, Uint32Array.of(1, 3, 4, 6));
    deepEqual([...groups.firstOf], [0, 1, 2, 3, 1, 5, 6]);
    deepEqual([...groups.sizes], [1, 2, 1, 1, 0, 1, 1]);
    noteGroups(groups, { starts: Uint32Array.of(0), rows: Uint32Array.of() }, Uint32Array.of());
    deepEqual([...groups.sizes], [1, 2, 1, 1, 0, 1, 1]);
  });
});
