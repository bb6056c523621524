import { equal, ok } from 'node:assert/strict';
import { HeCiphertext, HePublicKey, HeRingAnswer } from '../../../../proto/gen/he.ts';
import { BaseOtChoices, CorrelatedMasks, ExtensionColumns } from '../../../../proto/gen/ot.ts';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { designRows } from '../../../../src/ml/vertical/linear/design.ts';
import { toFixed } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { looksBiased, looksUniform } from '../../../support/chi-square.ts';
import { type Frame, transcript } from '../../../support/transcript.ts';
import {
  DEFAULTS,
  type SplitTable,
  syntheticTable,
  trainInMemory,
  type VerticalRun,
} from '../../../support/vertical-run.ts';
import { LIMIT, twoSampleChiSquare, view } from '../../../support/views.ts';

/** The same shape, another table: every host value is nearly the same, or half of the rows far apart. */
function otherHost(table: SplitTable): SplitTable {
  const { rows, columns } = table.host;
  const values = Float64Array.from(
    table.host.values,
    (_, at) => (Math.floor(at / columns) % 2) + at * 1e-9,
  );
  return { ...table, host: matrix(values, rows, columns) };
}

function otherGuest(table: SplitTable): SplitTable {
  const { rows, columns } = table.guest;
  const values = Float64Array.from(table.guest.values, (_, at) => Number(at < rows) + at * 1e-9);
  return { ...table, guest: matrix(values, rows, columns), labels: table.labels.map((y) => 1 - y) };
}

describe('views of a vertical training', () => {
  const table = syntheticTable(240, 2, 3, 'binary');
  const parameters = { ...DEFAULTS, epochs: 4, use_validation_set: false };
  const tables = { base: table, host: otherHost(table), guest: otherGuest(table) };
  const runs = new Map<string, { frames: Frame[]; run: VerticalRun }>();
  before(async () => {
    for (const [name, each] of Object.entries(tables)) {
      const { frames, taps } = transcript();
      const run = await trainInMemory(each, 'logistic_regression', parameters, {
        ...taps,
        seed: name,
      });
      runs.set(name, { frames, run });
    }
  });

  for (const [receiver, name, changed] of [
    [0, 'label holder', 'host'],
    [1, 'feature holder', 'guest'],
  ] as const) {
    it(`of the ${name} do not depend on the other's table`, () => {
      const base = view(runs.get('base')!.frames, receiver);
      const other = view(runs.get(changed)!.frames, receiver);
      ok(base.size >= (receiver === 0 ? 5 : 4), [...base.keys()].join());
      for (const [kind, bytes] of base) {
        const others = other.get(kind)!;
        equal(others.length, bytes.length, `${kind}: as many bytes`);
        looksUniform(bytes, `${kind} at the ${name}`);
        looksUniform(others, `${kind} at the ${name}, other table`);
        const statistic = twoSampleChiSquare(bytes, others);
        ok(statistic < LIMIT, `${kind}: chi-square ${statistic.toFixed(0)} between tables`);
      }
    });
  }

  it('would differ if rows, scores or errors were not masked', () => {
    const clear = (name: 'base' | 'host'): Uint8Array => {
      const entries = designRows(runs.get(name)!.run.host.whitening, tables[name].host);
      return new Uint8Array(entries.slice().buffer);
    };
    looksBiased(clear('base'), 'design rows in clear');
    ok(twoSampleChiSquare(clear('base'), clear('host')) > LIMIT, 'and they depend on the table');
    const errors = toFixed(
      table.labels.map((y) => 1 / 2 - y),
      22,
    );
    looksBiased(new Uint8Array(errors.buffer), 'errors in clear');
  });

  it('repeat no seed, mask, ciphertext or column of transfers', () => {
    for (const [name, { frames }] of runs) {
      const seen = new Map<string, string>();
      const fresh = (bytes: Uint8Array, what: string): void => {
        const key = Buffer.from(bytes.subarray(0, 32)).toString('hex');
        equal(seen.get(key), undefined, `${name}: ${what} repeats`);
        seen.set(key, what);
      };
      frames.forEach(({ type, bytes }, i) => {
        if (type === HeCiphertext.$type) {
          const { seed, c0 } = HeCiphertext.decode(bytes);
          fresh(seed, `seed of ciphertext ${i}`);
          fresh(c0, `ciphertext ${i}`);
        } else if (type === HeRingAnswer.$type) {
          const { seed, c1 } = HeRingAnswer.decode(bytes);
          fresh(seed, `mask of answer ${i}`);
          fresh(c1, `re-randomisation of answer ${i}`);
        } else if (type === HePublicKey.$type) {
          fresh(HePublicKey.decode(bytes).seed, `seed of key ${i}`);
        } else if (type === ExtensionColumns.$type) {
          const { u } = ExtensionColumns.decode(bytes);
          const width = u.length / 128;
          if (width >= 16) {
            for (let j = 0; j < 128; j++)
              fresh(u.subarray(j * width, (j + 1) * width), `column ${j} of ${i}`);
          }
        } else if (type === CorrelatedMasks.$type) {
          fresh(CorrelatedMasks.decode(bytes).c, `masks ${i}`);
        } else if (type === BaseOtChoices.$type) {
          const { b } = BaseOtChoices.decode(bytes);
          for (let at = 0; at < b.length; at += 32) fresh(b.subarray(at, at + 32), `choice ${at}`);
        }
      });
      ok(seen.size > 500, `${seen.size} values compared`);
    }
  });
});
