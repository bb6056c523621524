import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { Multiplicities } from '../../../../proto/gen/matching.ts';
import { permutation, seededGenerator } from '../../../../src/ml/data/random.ts';
import type { PsiContract } from '../../../../src/party/consensus/contract.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { intersect } from '../../../../src/party/tasks/programs/intersect.ts';
import type { Join } from '../../../../src/party/tasks/programs/joins.ts';
import { matchKeys } from '../../../../src/party/tasks/programs/key-matching.ts';
import type { Payload } from '../../../../src/protocols/psi/payload-records.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import { type CsvFile, checkJoined, csvFile, type KeyTable } from '../../../support/plain-join.ts';
import { keysAlone, psiContract, runPrograms } from '../../../support/program-parties.ts';
import { tamperingChannel } from '../../../support/tampering-channel.ts';
import { voleDealer } from '../../../support/vole-dealer.ts';

type Rule = PsiContract['alignment']['duplicates'];

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

function contractOf(
  left: KeyTable,
  right: KeyTable,
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

async function run(left: KeyTable, right: KeyTable, each: Case) {
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

function fileOf({ file }: ProgramResult): CsvFile | null {
  return file && csvFile(Buffer.concat(file.chunks).toString('utf8'));
}

/** Keys that text alone would confuse, and some that only bytes tell apart. */
const KEYS: KeyTable = [
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

function tables(repeats: boolean): [KeyTable, KeyTable] {
  const next = seededGenerator(repeats ? 5 : 6);
  const draw = (from: number, to: number): KeyTable => {
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

function isRight(
  left: KeyTable,
  right: KeyTable,
  each: Case,
  files: readonly [CsvFile | null, CsvFile | null],
): void {
  const columns = [COLUMNS.orgA, COLUMNS.orgB] as const;
  const receives = [each.receivers.includes('orgA'), each.receivers.includes('orgB')] as const;
  checkJoined({ tables: [left, right], columns, files }, receives, each, JSON.stringify(each));
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
    const pairs: readonly (readonly [KeyTable, KeyTable])[] = [
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
    const many: KeyTable = Array.from({ length: 8200 }, () => KEYS[0]!);
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
    const table: KeyTable = [KEYS[0]!, KEYS[1]!];
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
