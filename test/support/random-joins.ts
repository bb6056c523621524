/** Small set intersections of two, drawn from a seed: every join, rule, receiver and engine is among them. */
import { permutation, seededGenerator } from '../../src/ml/data/random.ts';
import type { JoinCase, KeyTable } from './plain-join.ts';

const JOINS = ['inner', 'left', 'right', 'full', 'difference'] as const;
const RULES = ['reject', 'first', 'expand'] as const;
const RECEIVERS = [
  [true, true],
  [true, false],
  [false, true],
] as const;
const SIZES = [0, 1, 6, 25, 120];

export interface RandomJoin extends JoinCase {
  readonly engine: 'RR22' | 'DH';
  /** Whether the left and the right party receive. */
  readonly receives: readonly [boolean, boolean];
  readonly tables: readonly [KeyTable, KeyTable];
}

export function randomJoins(count: number, seed: number): RandomJoin[] {
  const next = seededGenerator(seed);
  const sequence = <T>(values: readonly T[]): (() => T) => {
    let left: T[] = [];
    return () => {
      if (left.length === 0) left = [...permutation(values.length, next)].map((i) => values[i]!);
      return left.pop()!;
    };
  };
  const [joinOf, ruleOf, receiversOf] = [sequence(JOINS), sequence(RULES), sequence(RECEIVERS)];
  const [engineOf, sizeOf] = [sequence(['RR22', 'DH'] as const), sequence(SIZES)];

  /** Two columns; some pairs differ only in where the first one ends. */
  const keyOf = (i: number): [string, string] => {
    const text = `klé${i % 7}漢${Math.floor(i / 7)}`;
    const at = 1 + (i % 3);
    return [text.slice(0, at), text.slice(at)];
  };

  const tableOf = (rows: number, from: number, repeats: boolean): KeyTable => {
    const of = repeats ? Math.ceil((2 * rows) / 3) : rows;
    const distinct = [...permutation(of, next)].map((i) => keyOf(from + i));
    const again = Array.from({ length: rows - of }, () => distinct[next() % of]!);
    const all = [...distinct, ...again];
    return [...permutation(rows, next)].map((i) => all[i]!);
  };

  return Array.from({ length: count }, () => {
    const [join, rule, receives] = [joinOf(), ruleOf(), receiversOf()];
    const tells = rule === 'expand' && join !== 'difference' && receives.some((each) => !each);
    const engine = tells ? 'RR22' : engineOf();
    const tables = [
      tableOf(sizeOf(), 0, rule !== 'reject'),
      tableOf(sizeOf(), next() % 20, rule !== 'reject'),
    ] as const;
    return { join, rule, receives, engine, tables };
  });
}
