import { readFileSync } from 'node:fs';
import { type Matrix, matrix } from '../../src/ml/data/matrix.ts';

/** A vertical task in clear: one block of raw features a party, rows joined and sorted by key. */
export interface Task {
  readonly blocks: readonly Matrix[];
  readonly y: Float64Array;
}

/** Reads `examples/data/<name>_hetero_<party>.csv`; the label is in the guest's file. */
export function loadTask(name: string, key: string, label: string, hosts = ['host']): Task {
  const guest = readTable(`${name}_hetero_guest`, key);
  const keys = [...guest.rows.keys()].sort((a, b) => a - b);
  const at = guest.columns.indexOf(label);
  const y = Float64Array.from(keys, (k) => guest.rows.get(k)![at]!);
  const tables = [guest, ...hosts.map((host) => readTable(`${name}_hetero_${host}`, key))];
  const blocks = tables.map(({ columns, rows }) => {
    const kept = columns.flatMap((column, j) => (column === label ? [] : [j]));
    const values = keys.flatMap((k) => kept.map((j) => rows.get(k)![j]!));
    return matrix(Float64Array.from(values), keys.length, kept.length);
  });
  return { blocks, y };
}

interface Table {
  /** Without the key. */
  readonly columns: readonly string[];
  readonly rows: ReadonlyMap<number, readonly number[]>;
}

function readTable(file: string, key: string): Table {
  const text = readFileSync(`examples/data/${file}.csv`, 'utf8');
  const [header, ...lines] = text.trimEnd().split(/\r?\n/);
  const names = header!.split(',');
  const keyAt = names.indexOf(key);
  const rows = new Map<number, readonly number[]>();
  for (const line of lines) {
    const cells = line.split(',').map(Number);
    rows.set(cells[keyAt]!, cells.toSpliced(keyAt, 1));
  }
  return { columns: names.toSpliced(keyAt, 1), rows };
}

/** scikit-learn's numbers, from test/vectors/ml/generate.py. */
export function loadReference(): Reference {
  return JSON.parse(readFileSync('test/vectors/ml/reference.json', 'utf8')) as Reference;
}

export interface MetricCase {
  readonly y: number[];
  readonly outputs: number[];
  readonly metrics: Record<string, number>;
}

export interface ModelCase {
  readonly weights: number[];
  readonly intercept: number;
}

export interface Reference {
  readonly binary: MetricCase[];
  readonly regression: MetricCase[];
  readonly macro: MetricCase[];
  readonly scaler: { readonly X: number[][]; readonly mean: number[]; readonly scale: number[] };
  readonly breast: Record<string, ModelCase> & { folds: { auc: number; ks: number } };
  readonly default_credit: { readonly folds: { readonly auc: number; readonly ks: number } };
  readonly motor: Record<string, ModelCase & { rmse: number }>;
}

/** |actual - expected| <= tolerance * max(1, |expected|). */
export function near(actual: number, expected: number, tolerance: number): boolean {
  return Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected));
}
