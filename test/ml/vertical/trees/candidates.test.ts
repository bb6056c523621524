import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { DEFAULT_PARAMETERS } from '../../../../src/ml/trees/parameters.ts';
import {
  type Candidate,
  drawCandidates,
  type Offer,
  offerOf,
  sumsOf,
} from '../../../../src/ml/vertical/trees/candidates.ts';
import { placeColumns } from '../../../../src/ml/vertical/trees/columns.ts';
import { seededRng } from '../../../support/seeded-rng.ts';

const NONE = new Uint32Array(0);
const missing = Number.NaN;

/** Columns given by their values. */
function placed(...columns: number[][]) {
  const n = columns[0]!.length;
  const values = Float64Array.from({ length: n * columns.length }, (_, at) => {
    return columns[at % columns.length]![Math.floor(at / columns.length)]!;
  });
  const train = Uint32Array.from({ length: n }, (_, i) => i);
  return placeColumns(matrix(values, n, columns.length), { train, others: NONE }, 32);
}

const free = { ...DEFAULT_PARAMETERS, minChildWeight: 0 };
const brief = ({ feature, bin, defaultLeft }: Candidate): unknown[] => [feature, bin, defaultLeft];

/** Training rows that go left. */
function rowsOf({ binRows }: Offer, { column, bins, andLast }: Candidate): number {
  const sizes = binRows[column]!;
  return (
    sizes.subarray(0, bins).reduce((rows, size) => rows + size, 0) + (andLast ? sizes.at(-1)! : 0)
  );
}

describe('candidates', () => {
  it('are the sums over first bins, with missing values on either side', () => {
    const offer = offerOf(placed([1, 2, 2, 3], [1, missing, 2, 1]), 4, free);
    const { columns, binRows, candidates } = offer;
    deepEqual(candidates[0]!.map(brief), [
      [0, 0, false],
      [0, 1, false],
    ]);
    deepEqual(candidates[1]!.map(brief), [
      [1, 0, false],
      [1, 0, true],
      [1, 1, false],
    ]);
    deepEqual(columns.counts, [3, 3]);
    deepEqual(binRows, [Uint32Array.of(1, 2, 1), Uint32Array.of(2, 1, 1)]);
    deepEqual(sumsOf(candidates[1]!.slice(1)), candidates[1]!.slice(1));
  });

  it('are none of columns that cannot be split', () => {
    const data = placed([5, 5, 5], [missing, missing, missing], [1, 2, 3], [4, missing, 4]);
    const { columns, candidates } = offerOf(data, 3, free);
    deepEqual(
      candidates.map((each) => each.length),
      [0, 0, 2, 1],
    );
    deepEqual(columns.counts, [3, 2]);
    deepEqual(
      candidates.flat().map(({ column }) => column),
      [0, 0, 1],
      'numbered among the columns that are summed',
    );
  });

  it('stand for one empty sum where there are none', () => {
    const offer = offerOf(placed([5, 5, 5]), 3, free);
    deepEqual(offer.columns, { rows: 3, bins: [new Uint16Array(3)], counts: [1] });
    deepEqual(offer.binRows, [Uint32Array.of(3)]);
    const drawn = drawCandidates(offer, free, seededRng(1));
    deepEqual(drawn, [null]);
    deepEqual(sumsOf(drawn), [{ column: 0, bins: 0, andLast: false }]);
  });

  it('keep as many rows on both sides as the least weight takes', () => {
    const data = placed(Array.from({ length: 20 }, (_, i) => i));
    const sizes = (given: object): number => {
      const parameters = { ...DEFAULT_PARAMETERS, ...given };
      const offer = offerOf(data, 20, parameters);
      const rows = offer.candidates[0]!.map((each) => rowsOf(offer, each));
      equal(Math.max(...rows), 20 - Math.min(...rows));
      return Math.min(...rows);
    };
    equal(sizes({}), 4);
    equal(sizes({ minChildWeight: 1.1 }), 5);
    equal(sizes({ scalePosWeight: 2 }), 2);
    equal(sizes({ scalePosWeight: 0.5 }), 4);
    equal(sizes({ objective: 'multi:softprob', numClass: 3 }), 2);
    equal(sizes({ objective: 'reg:squarederror' }), 1);
    equal(sizes({ minChildWeight: 0 }), 1);
  });

  it('come in a fresh order, of columns that are drawn', () => {
    const values = Array.from({ length: 30 }, (_, i) => i);
    const offer = offerOf(placed(values, values, values, values), 30, free);
    const rng = seededRng('order');
    const all = drawCandidates(offer, free, rng);
    equal(all.length, 4 * 29);
    equal(new Set(all).size, 4 * 29);
    notDeepEqual(drawCandidates(offer, free, rng), all);
    const neighbours = all.filter((each, c) => c > 0 && each!.feature === all[c - 1]!.feature);
    ok(neighbours.length < 58, 'a quarter, not all but three: columns are mixed');
    const rising = all.filter((each, c) => c > 0 && each!.bin > all[c - 1]!.bin);
    ok(rising.length > 29 && rising.length < 87, 'half: so are bins');
    const columns = new Set<number>();
    for (let i = 0; i < 40; i++) {
      const drawn = drawCandidates(offer, { ...free, colsampleBytree: 0.5 }, rng);
      const features = new Set(drawn.map((each) => each!.feature));
      equal(features.size, 2);
      for (const feature of features) columns.add(feature);
    }
    equal(columns.size, 4);
    ok(drawCandidates(offer, { ...free, colsampleBytree: 0.01 }, rng).length === 29);
  });
});
