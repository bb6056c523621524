import { deepEqual, equal, match, ok } from 'node:assert/strict';
import {
  alignmentLeakage,
  type IntersectionInputs,
  intersectionLeakage,
  type MatchingInputs,
} from '../../../src/protocols/psi/leakage.ts';

const PAIR: MatchingInputs = { engine: 'ecdh', counted: false, parties: 2, keys: 70 };
const PLAIN: IntersectionInputs = {
  ...PAIR,
  rows: 40,
  output: 'rows',
  join: 'inner',
  expanded: false,
  payload: null,
};

const opened = (
  classes: readonly { readonly name: string; readonly to: string; readonly most: number }[],
): string[] => classes.map(({ name, to, most }) => `${name} to ${to}, ${most}`);

const of = (change: Partial<IntersectionInputs>) => intersectionLeakage({ ...PLAIN, ...change });
const COMMON = 'intersection to receivers, 70';

describe('leakage of matching records', () => {
  it('of an alignment: which records are common, and how many where they are counted', () => {
    const aligned = (method: 'psi' | 'row_order', counted: boolean): string[] =>
      opened(alignmentLeakage({ ...PAIR, method, counted }).opened);
    deepEqual(aligned('row_order', false), []);
    deepEqual(aligned('psi', false), ['intersection to data_holders, 70']);
    deepEqual(aligned('psi', true), [
      'intersection_size to data_holders, 1',
      'intersection to data_holders, 70',
    ]);
  });

  it('of a set intersection: the same, to its receivers', () => {
    deepEqual(opened(of({}).opened), [COMMON]);
    const counted = opened(of({ counted: true }).opened);
    deepEqual(counted, ['intersection_size to data_holders, 1', COMMON]);
  });

  it('of a size: the number to both, once, and nothing else', () => {
    for (const counted of [false, true]) {
      const { opened: classes, structural } = of({ output: 'size', counted });
      deepEqual(opened(classes), ['intersection_size to data_holders, 1']);
      ok(!structural.join().includes('intersection size'), 'no message depends on it');
    }
  });

  it('of pairs of records: how many have a common key', () => {
    const most = 'multiplicities to receivers, 70';
    deepEqual(opened(of({ expanded: true }).opened), [COMMON, most]);
  });

  it('of payload: values of common records, of which there are no more than in the smaller table', () => {
    const statement = of({ payload: 3, engine: 'rr22' });
    deepEqual(opened(statement.opened), [COMMON, 'payload to payload_receivers, 120']);
    equal(statement.algorithm, 'labelled_intersection');
    match(statement.structural.join(), /longest record of the payload/);
    equal(of({}).algorithm, 'intersection');
    ok(!of({}).structural.join().includes('payload'));
  });

  it('of joins: no more than the intersection and the numbers of rows and distinct keys', () => {
    for (const join of ['left', 'right', 'full', 'difference'] as const) {
      const { opened: classes, structural } = of({ join, keys: 2 ** 22 });
      deepEqual(opened(classes), [`intersection to receivers, ${2 ** 22}`]);
      match(structural.join(), new RegExp(`lines of a ${join} join`));
      match(structural.join(), /number of distinct keys of every dataset/);
    }
    ok(!of({}).structural.join().includes('join'));
  });

  it('of several buckets: what keys are padded to, unless all of them are counted', () => {
    const sizes = (change: Partial<IntersectionInputs>) => of(change).structural.join();
    const distinct = /number of distinct keys of every dataset/;
    match(sizes({ keys: 2 ** 21 }), distinct);
    const padded = sizes({ keys: 2 ** 21 + 1 });
    ok(!distinct.test(padded) && /padded to, bucket by bucket/.test(padded));
    match(sizes({ keys: 2 ** 21 + 1, counted: true }), distinct);
  });

  it('rests on what the engine rests on, and on Diffie-Hellman where records are counted', () => {
    const assumed = (change: Partial<IntersectionInputs>) => {
      const text = of(change).assumptions.join('; ');
      return [/DDH in Curve25519/, /dual LPN/, /shares of zero/].map((each) => each.test(text));
    };
    deepEqual(assumed({}), [true, false, false]);
    deepEqual(assumed({ engine: 'rr22' }), [false, true, false]);
    deepEqual(assumed({ engine: 'rr22', counted: true }), [true, true, false]);
    deepEqual(assumed({ engine: 'rr22', parties: 3 }), [false, true, true]);
  });

  it('of three or more: what those learn who pool what they see', () => {
    const three = of({ engine: 'rr22', parties: 3 });
    deepEqual(opened(three.opened), [COMMON]);
    match(three.opened[0]!.meaning, /all other data holders$/);
    match(three.assumptions[0]!, /pool what they see .* unless the one that learns first/);
    match(three.structural.join(), /to the data holder that learns first/);
    equal(of({}).assumptions[0], 'semi-honest parties');
    const aligned = (parties: number) =>
      alignmentLeakage({ ...PAIR, engine: 'rr22', parties, method: 'psi' }).assumptions;
    equal(aligned(3)[0], three.assumptions[0]);
    ok(!aligned(2).join().includes('pool'));
  });

  it('is a statement that survives JSON', () => {
    const statement = of({ counted: true, payload: 2, join: 'inner', engine: 'rr22' });
    deepEqual(JSON.parse(JSON.stringify(statement)), statement);
  });
});
