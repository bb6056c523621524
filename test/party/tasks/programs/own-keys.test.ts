import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from 'node:assert/strict';
import type { PsiContract } from '../../../../src/party/consensus/contract.ts';
import { dataHolders } from '../../../../src/party/tasks/programs/data-holders.ts';
import {
  keysDigest,
  NO_ROW,
  openKeys,
  undividedKeys,
} from '../../../../src/party/tasks/programs/own-keys.ts';
import { bucketCapacity } from '../../../../src/protocols/psi/item-buckets.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';
import { keysAlone, programRuns, psiContract } from '../../../support/program-parties.ts';

const SALT = new Uint8Array(32).fill(7);

type Rule = PsiContract['alignment']['duplicates'];

function sideOf(keys: readonly string[], duplicates: Rule, columns: readonly string[] = ['id']) {
  const base = psiContract({ orgA: keys.length, orgB: 1 });
  const alignment = { ...base.alignment, duplicates };
  const contract = psiContract(
    { orgA: keys.length, orgB: 1 },
    { alignment, keyColumns: { orgA: columns } },
  );
  const data = { orgA: keysAlone(keys), orgB: keysAlone(['x']) };
  const { context } = programRuns(contract, data).orgA;
  return { context, holder: dataHolders(contract, 'orgA').own, dataset: data.orgA };
}

const KEYS = Array.from({ length: 200 }, (_, i) => `k${i % 150}`);

describe('keys of a party', () => {
  it('are each in one bucket, by their first row, padded to the capacity', async () => {
    const { context, holder, dataset } = sideOf(KEYS, 'first');
    const own = await openKeys(context, holder, dataset, { salt: SALT, buckets: 3 });
    const rows: number[] = [];
    const seen = new Set<string>();
    for (const bucket of [0, 1, 2]) {
      const read = await own.read(bucket);
      equal(read.rows.length, bucketCapacity(200, 3));
      equal(read.items.length, 16 * read.rows.length);
      const real = [...read.rows].filter((row) => row !== NO_ROW);
      equal(real.length, read.keys);
      rows.push(...real);
      read.rows.forEach((_, i) => {
        seen.add(Buffer.from(read.items.subarray(16 * i, 16 * i + 16)).toString('hex'));
      });
    }
    deepEqual(
      rows.toSorted((a, b) => a - b),
      Array.from({ length: 150 }, (_, row) => row),
    );
    equal(seen.size, 3 * bucketCapacity(200, 3), 'padding is distinct, too');
    equal(own.groups!.firstOf[170], 20);
    deepEqual([own.groups!.sizes[20], own.groups!.sizes[170], own.groups!.sizes[60]], [2, 0, 1]);
  });

  it('in one piece are not padded', async () => {
    const { context, holder, dataset } = sideOf(KEYS, 'expand');
    const { items, rows, keys } = await (
      await openKeys(context, holder, dataset, { salt: SALT, buckets: 1 })
    ).read(0);
    deepEqual([items.length, rows.length, keys], [16 * 150, 150, 150]);
    const undivided = undividedKeys(context, holder, dataset, SALT);
    deepEqual(undivided.items, items);
    equal(undivided.groups!.sizes[0], 2);
  });

  it('that repeat are refused by row and columns where the rule says so', async () => {
    const { context, holder, dataset } = sideOf(['a', 'b', 'a'], 'reject', ['id', 'day']);
    const expected = {
      name: 'DatasetError',
      code: 'duplicate_key',
      message: 'credit/train.csv: row 3, columns id, day: repeats the key of an earlier row',
    };
    throws(() => undividedKeys(context, holder, dataset, SALT), expected);
    for (const buckets of [1, 2]) {
      const own = await openKeys(context, holder, dataset, { salt: SALT, buckets });
      equal(own.groups, null);
      const all = Array.from({ length: buckets }, (_, bucket) => own.read(bucket));
      await rejects(Promise.all(all), expected);
    }
  });

  it('have a digest that tells tables apart', () => {
    const columns = [textColumn(['a', 'bc']), textColumn(['x', 'y'])];
    deepEqual(keysDigest(columns), keysDigest([textColumn(['a', 'bc']), textColumn(['x', 'y'])]));
    for (const other of [
      [textColumn(['ab', 'c']), textColumn(['x', 'y'])],
      [textColumn(['bc', 'a']), textColumn(['x', 'y'])],
      [textColumn(['a', 'bc'])],
      columns.toReversed(),
    ]) {
      notDeepEqual(keysDigest(other), keysDigest(columns));
    }
    ok(keysDigest([]).length === 32);
  });
});
