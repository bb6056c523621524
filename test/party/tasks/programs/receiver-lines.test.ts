import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { Multiplicities } from '../../../../proto/gen/matching.ts';
import { permutation, seededGenerator } from '../../../../src/ml/data/random.ts';
import type { PsiContract } from '../../../../src/party/consensus/contract.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { intersect } from '../../../../src/party/tasks/programs/intersect.ts';
import type { Join } from '../../../../src/party/tasks/programs/joins.ts';
import { matchKeys } from '../../../../src/party/tasks/programs/key-matching.ts';
import type { Payload } from '../../../../src/protocols/psi/payload-records.ts';
import { csvRecords } from '../../../support/csv-lines.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import { keysAlone, psiContract, runPrograms } from '../../../support/program-parties.ts';
import { tamperingChannel } from '../../../support/tampering-channel.ts';
import { voleDealer } from '../../../support/vole-dealer.ts';

type Key = readonly [string, string];
type Table = readonly Key[];
type Rule = PsiContract['alignment']['duplicates'];
type Cell = string | null;

const NAMES = ['orgA', 'orgB'] as const;
const JOINS = ['inner', 'left', 'right', 'full', 'difference'] as const;
const RECEIVERS: readonly (readonly string[])[] = [NAMES, ['orgA'], ['orgB']];
const COLUMNS = { orgA: ['name', 'no'], orgB: ['row', 'in_both'] };

interface Case {
  readonly join: Join;
  readonly rule: Rule;
  readonly receivers: readonly string[];
  readonly engine?: 'ecdh' | 'rr22';
}

/** A line of the joint result: a row of each side, or null. */
type Line = readonly [left: number | null, right: number | null];

/** What SQL makes of two tables, by brute force. Matched pairs first, then the left's, then the right's. */
function oracle(left: Table, right: Table, { join, rule }: Case): Line[] {
  const kept = (table: Table): number[] =>
    table.flatMap((key, row) =>
      rule === 'first' && table.findIndex((other) => same(key, other)) < row ? [] : [row],
    );
  const [leftRows, rightRows] = [kept(left), kept(right)];
  const pairs = leftRows.flatMap((l) =>
    rightRows.flatMap((r): Line[] => (same(left[l]!, right[r]!) ? [[l, r]] : [])),
  );
  const onlyLeft = leftRows.filter((l) => !right.some((key) => same(key, left[l]!)));
  const onlyRight = rightRows.filter((r) => !left.some((key) => same(key, right[r]!)));
  const lines: Line[] = join === 'difference' ? [] : [...pairs];
  if (join === 'left' || join === 'full' || join === 'difference') {
    lines.push(...onlyLeft.map((l): Line => [l, null]));
  }
  if (join === 'right' || join === 'full' || join === 'difference') {
    lines.push(...onlyRight.map((r): Line => [null, r]));
  }
  return lines;
}

const same = (a: Key, b: Key): boolean => a[0] === b[0] && a[1] === b[1];

function contractOf(
  left: Table,
  right: Table,
  { join, rule, receivers, engine }: Case,
): PsiContract {
  const tells = rule === 'expand' && join !== 'difference' && receivers.length === 1;
  const alignment = {
    method: 'psi',
    engine: engine ?? (tells ? 'rr22' : 'ecdh'),
    duplicates: rule,
    minimumIntersection: 0,
  } as const;
  return psiContract(
    { orgA: left.length, orgB: right.length },
    { alignment, receivers, parameters: { output: 'rows', join }, keyColumns: COLUMNS },
  );
}

async function run(left: Table, right: Table, each: Case) {
  const frames: PartyFrame[] = [];
  const vole = voleDealer('lines');
  const { results, notes } = await runPrograms(
    contractOf(left, right, each),
    { orgA: keysAlone(left, 2), orgB: keysAlone(right, 2) },
    (context) => intersect(context, { vole }),
    { observe: (frame) => void frames.push(frame) },
  );
  return { results, notes, frames };
}

/** Header and records of a party's file; null without a file. */
function fileOf({ file }: ProgramResult) {
  if (!file) return null;
  const [header, ...records] = csvRecords(Buffer.concat(file.chunks).toString('utf8'));
  return { header, records };
}

/** How the lines look to one party. */
function shown(lines: readonly Line[], table: Table, side: 0 | 1, { join, rule }: Case): Cell[][] {
  return lines
    .filter((line) => join !== 'difference' || line[side] !== null)
    .map((line): Cell[] => {
      const row = line[side];
      const key = row === null ? [null, null] : table[row]!;
      const isBoth = line[0] !== null && line[1] !== null;
      return [
        ...(join === 'inner' || join === 'difference' ? [] : [isBoth ? '1' : '0']),
        ...(rule === 'expand' ? [row === null ? null : String(row + 1)] : []),
        ...key,
      ];
    });
}

const sorted = (records: readonly unknown[]): string[] =>
  records.map((record) => JSON.stringify(record)).sort();

/** Records in the order of one party's file: by its row of the first record with the key. */
function inFileOrder(lines: readonly Line[], table: Table, side: 0 | 1): Line[] {
  const first = (line: Line): number => table.findIndex((key) => same(key, table[line[side]!]!));
  const both = lines.filter(([l, r]) => l !== null && r !== null);
  const others = lines.filter((line) => !both.includes(line));
  return [...both.toSorted((a, b) => first(a) - first(b)), ...others];
}

/** Keys that text alone would confuse, and some that only bytes tell apart. */
const KEYS: Table = [
  ['a', 'bc'],
  ['ab', 'c'],
  ['Zoë', '1'],
  ['Zoe\u0308', '1'],
  ['漢字', 'x,y'],
  ['say "hi"', ' '],
  ['', 'a'],
  ['a', ''],
  ['\ufeffa', ''],
  ['7', '07'],
  ['😀', 'é'],
  ['k', 'k'],
];

function tables(repeats: boolean): [Table, Table] {
  const next = seededGenerator(repeats ? 5 : 6);
  const draw = (from: number, to: number): Table => {
    const distinct = [...permutation(to - from, next)].map((i) => KEYS[from + i]!);
    if (!repeats) return distinct;
    return [...distinct, ...Array.from({ length: 9 }, () => distinct[next() % distinct.length]!)];
  };
  return [draw(0, 8), draw(4, 12)];
}

/** Messages that are not the engine's. */
function beyondTheEngine(frames: readonly PartyFrame[]): string[] {
  return frames
    .filter(({ type }) => !type.startsWith('entente.psi.') && !/^entente\.(ot|vole)\./.test(type))
    .map(({ from, type }) => `${NAMES[from]} ${type.split('.').at(-1)}`)
    .sort();
}

/** What has to be told, by whom. */
function told({ join, rule, receivers }: Case): string[] {
  const both = receivers.length === 2;
  if (rule === 'expand' && join !== 'difference' && both) {
    return ['orgA Multiplicities', 'orgB Multiplicities'];
  }
  if (rule !== 'first') return [];
  const messages: string[] = [];
  if (['right', 'full'].includes(join) && receivers.includes('orgA')) {
    messages.push('orgB DistinctKeys');
  }
  if (['left', 'full'].includes(join) && receivers.includes('orgB')) {
    messages.push('orgA DistinctKeys');
  }
  return messages.sort();
}

function isRight(left: Table, right: Table, each: Case, files: ReturnType<typeof fileOf>[]): void {
  const what = JSON.stringify(each);
  const lines = oracle(left, right, each);
  const sides = [left, right] as const;
  for (const side of [0, 1] as const) {
    const file = files[side]!;
    if (!each.receivers.includes(NAMES[side])) {
      equal(file, null, what);
      continue;
    }
    const added = [
      ...(each.join === 'inner' || each.join === 'difference' ? [] : ['in_both']),
      ...(each.rule === 'expand' ? ['row'] : []),
    ].map((name) => (side === 1 ? `${name}_` : name)); // its own columns are called like that
    deepEqual(file.header, [...added, ...COLUMNS[NAMES[side]]], what);
    const expected = shown(
      each.receivers.length === 1 ? inFileOrder(lines, sides[side], side) : lines,
      sides[side],
      side,
      each,
    );
    if (each.receivers.length === 1) deepEqual(file.records, expected, what);
    else deepEqual(sorted(file.records), sorted(expected), what);
  }
  if (each.receivers.length === 2 && each.join !== 'difference') {
    const [a, b] = [files[0]!.records, files[1]!.records];
    const joint = lines.map((line) => [
      ...shown([line], left, 0, each),
      ...shown([line], right, 1, each),
    ]);
    equal(a.length, b.length, what);
    deepEqual(sorted(a.map((record, k) => [record, b[k]])), sorted(joint), `${what}: line by line`);
  }
}

describe('lines of receivers', () => {
  for (const rule of ['reject', 'first', 'expand'] as const) {
    for (const join of JOINS) {
      it(`are those of a ${join} join of records under ${rule}, and tell nothing else`, async () => {
        const [left, right] = tables(rule !== 'reject');
        for (const receivers of RECEIVERS) {
          const each: Case = { join, rule, receivers };
          const { results, notes, frames } = await run(left, right, each);
          isRight(left, right, each, [fileOf(results.orgA), fileOf(results.orgB)]);
          deepEqual(beyondTheEngine(frames), told(each), JSON.stringify(each));
          const tells = rule === 'expand' && join !== 'difference';
          for (const name of NAMES) {
            deepEqual(
              notes[name].disclosures.map((opened) => [opened.class, ...opened.to]),
              [
                ['intersection', ...receivers],
                ...(tells ? [['multiplicities', ...receivers]] : []),
              ],
            );
            const isLearner = receivers.includes(name);
            equal('intersection_size' in results[name].extra, isLearner);
            equal(results[name].metrics === null, !isLearner);
          }
        }
      });
    }
  }

  it('are right where a side has no record, or one', async () => {
    const [left, right] = tables(false);
    const pairs: readonly (readonly [Table, Table])[] = [
      [[], right],
      [left, []],
      [[], []],
      [[right[0]!], right],
      [left, [left[3]!]],
      [[KEYS[0]!], [KEYS[1]!]],
      [left, left.toReversed()],
    ];
    for (const [one, other] of pairs) {
      for (const join of ['inner', 'full', 'difference'] as const) {
        for (const rule of ['reject', 'first', 'expand'] as const) {
          for (const receivers of [NAMES, [NAMES[1]]]) {
            const each = { join, rule, receivers };
            const { results } = await run(one, other, each);
            isRight(one, other, each, [fileOf(results.orgA), fileOf(results.orgB)]);
          }
        }
      }
    }
  });

  it('are the same whatever the engine', async () => {
    const [left, right] = tables(true);
    for (const receivers of [NAMES, [NAMES[0]]]) {
      const each = { join: 'full', rule: 'first', receivers } as const;
      const [ecdh, rr22] = [
        await run(left, right, { ...each, engine: 'ecdh' }),
        await run(left, right, { ...each, engine: 'rr22' }),
      ];
      deepEqual(fileOf(ecdh.results.orgA), fileOf(rr22.results.orgA));
      ok(rr22.frames.some(({ type }) => type.includes('Rr22')));
    }
  });

  it('are refused before they are allocated when pairs make too many', async () => {
    const many: Table = Array.from({ length: 8200 }, () => KEYS[0]!);
    for (const receivers of [NAMES, [NAMES[0]]]) {
      await rejects(run(many, many, { join: 'inner', rule: 'expand', receivers }), {
        name: 'TaskError',
        code: 'TOO_MANY_LINES',
      });
    }
  });

  it('take no counts that the other party cannot have', async () => {
    const [left, right] = tables(true);
    const each: Case = { join: 'inner', rule: 'expand', receivers: NAMES };
    const tampered = (change: (counts: Uint8Array) => Uint8Array) =>
      runPrograms(
        contractOf(left, right, each),
        { orgA: keysAlone(left, 2), orgB: keysAlone(right, 2) },
        (context) => intersect(context),
        {
          wrap: (channel, me) =>
            me === 1
              ? channel
              : tamperingChannel(channel, Multiplicities, ({ counts }) => ({
                  counts: change(counts),
                })),
        },
      );
    const wrong: readonly ((counts: Uint8Array) => Uint8Array)[] = [
      (counts) => counts.subarray(4),
      (counts) => counts.subarray(1),
      (counts) => new Uint8Array(counts.length),
      (counts) => new Uint8Array(counts.length).fill(0xff),
    ];
    for (const change of wrong) await rejects(tampered(change), { code: 'MALFORMED_MESSAGE' });
  });

  it('take no labels that are no counts', async () => {
    const table: Table = [KEYS[0]!, KEYS[1]!];
    const each: Case = { join: 'inner', rule: 'expand', receivers: [NAMES[0]] };
    const vole = voleDealer('labels');
    for (const recordBytes of [1, 3]) {
      const own: Payload = {
        recordBytes,
        records: (rows) => new Uint8Array(recordBytes * rows.length).fill(1),
      };
      const told = runPrograms(
        contractOf(table, table, each),
        { orgA: keysAlone(table, 2), orgB: keysAlone(table, 2) },
        async (context): Promise<unknown> => {
          if (context.self === 'orgA') return intersect(context, { vole });
          const labels = { own: () => own, maxBytes: recordBytes };
          const request = { learners: ['orgA'], labels, opens: () => [] };
          return matchKeys(context, await context.loadDataset(), request, { vole });
        },
      );
      await rejects(told, { code: 'MALFORMED_MESSAGE' }, `labels of ${recordBytes} bytes`);
    }
  });
});
