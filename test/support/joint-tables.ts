/** Two parties' tables about partly the same records, and what a plain model would be trained on. */
import { type Matrix, matrix } from '../../src/ml/data/matrix.ts';
import { permutation, seededGenerator } from '../../src/ml/data/random.ts';
import { csvText } from './scratch-folder.ts';

export interface JointTables {
  /** `id, f1, f2, f3, y`: f3 is a text of three levels, y the label. */
  readonly labelled: string;
  /** `id, f1, f2, f3`: other columns of the same names. */
  readonly features: string;
  /** The inner join: f1, f2 of the labelled file, then f1, f2 of the other. */
  readonly X: Matrix;
  readonly y: Float64Array;
}

export interface JointTablesOptions {
  /** Records that both have. */
  readonly common: number;
  /** Further records of each. */
  readonly apart?: number;
  readonly label: 'binary' | 'regression';
  readonly seed?: number;
}

/** Seeded tables; each file's rows in an order of its own. */
export function jointTables({
  common,
  apart = 0,
  label,
  seed = 1,
}: JointTablesOptions): JointTables {
  const next = seededGenerator(seed);
  const uniform = (): number => (next() + 0.5) / 2 ** 32;
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const left: string[][] = [];
  const right: string[][] = [];
  const X: number[] = [];
  const y: number[] = [];
  for (let i = 0; i < common + 2 * apart; i++) {
    const [u, v, w, t] = [normal(), normal(), normal(), normal()];
    const own = [round(40 + 12 * u), round(1000 * v)];
    const other = [round(0.01 * (u + w)), round(-300 + 50 * t)];
    const z = 1.5 * u - v + 2 * w + 0.5 * t - 0.5;
    const value =
      label === 'binary'
        ? Number(uniform() < 1 / (1 + Math.exp(-z)))
        : round(50 + 4 * z + normal());
    const levels = ['low', 'mittel,groß', '高'];
    if (i < common + apart) {
      left.push([keyOf(i), ...own.map(String), levels[next() % 3]!, String(value)]);
    }
    if (i < common || i >= common + apart) {
      right.push([keyOf(i), ...other.map(String), levels[next() % 3]!]);
    }
    if (i < common) {
      X.push(...own, ...other);
      y.push(value);
    }
  }
  const shuffled = (rows: string[][]): string[][] =>
    [...permutation(rows.length, next)].map((row) => rows[row]!);
  return {
    labelled: csvText([['id', 'f1', 'f2', 'f3', 'y'], ...shuffled(left)]),
    features: csvText([['id', 'f1', 'f2', 'f3'], ...shuffled(right)]),
    X: matrix(Float64Array.from(X), common, 4),
    y: Float64Array.from(y),
  };
}

function round(x: number): number {
  return Math.round(x * 1e4) / 1e4;
}

/** Keys of several scripts, some that need quotes. */
function keyOf(i: number): string {
  return [`Zoë Müller ${i}`, `客户-${i}`, `plain-${i}`, `"Ltd", ${i}`][i % 4]!;
}
