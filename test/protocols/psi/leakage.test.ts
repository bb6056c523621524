import { deepEqual } from 'node:assert/strict';
import { alignmentLeakage, intersectionLeakage } from '../../../src/protocols/psi/leakage.ts';

const opened = (
  classes: readonly { readonly name: string; readonly to: string; readonly most: number }[],
): string[] => classes.map(({ name, to, most }) => `${name} to ${to}, ${most}`);

describe('leakage of matching records', () => {
  it('of an alignment: which records are common, and how many where they are counted', () => {
    const of = (method: 'psi' | 'row_order', counted: boolean): string[] =>
      opened(alignmentLeakage({ method, counted, keys: 70 }).opened);
    deepEqual(of('row_order', false), []);
    deepEqual(of('psi', false), ['intersection to data_holders, 70']);
    deepEqual(of('psi', true), [
      'intersection_size to data_holders, 1',
      'intersection to data_holders, 70',
    ]);
  });

  it('of a set intersection: the same, to its receivers', () => {
    const of = (counted: boolean): string[] =>
      opened(intersectionLeakage({ counted, keys: 9 }).opened);
    deepEqual(of(false), ['intersection to receivers, 9']);
    deepEqual(of(true), ['intersection_size to data_holders, 1', 'intersection to receivers, 9']);
  });

  it('is a statement that survives JSON', () => {
    const statement = intersectionLeakage({ counted: true, keys: 9 });
    deepEqual(JSON.parse(JSON.stringify(statement)), statement);
  });
});
