import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { PsiContract } from '../../../../src/party/consensus/contract.ts';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { intersect } from '../../../../src/party/tasks/programs/intersect.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import {
  keysAlone,
  type ProgramNotes,
  programRuns,
  psiContract,
  runPrograms,
} from '../../../support/program-parties.ts';

const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);

type Party = 'orgA' | 'orgB';

interface Run {
  readonly receivers?: readonly Party[];
  readonly duplicates?: 'reject' | 'first';
  readonly minimum?: number;
}

/** One run of both parties; what each of them ended with. */
async function run(
  orgA: readonly string[],
  orgB: readonly string[],
  { receivers = ['orgA', 'orgB'], duplicates = 'reject', minimum = 0 }: Run = {},
) {
  const alignment: PsiContract['alignment'] = {
    method: 'psi',
    engine: 'ecdh',
    duplicates,
    minimumIntersection: minimum,
  };
  const rows = { orgA: orgA.length, orgB: orgB.length };
  const types: string[] = [];
  const observe = ({ label, type }: PartyFrame): void => void types.push(`${label} ${type}`);
  const notes = programRuns(
    psiContract(rows, { receivers, alignment }),
    { orgA: keysAlone(orgA), orgB: keysAlone(orgB) },
    { observe },
  );
  const [a, b] = await Promise.allSettled([
    intersect(notes.orgA.context),
    intersect(notes.orgB.context),
  ]);
  return { a, b, notes, types };
}

function resultOf(outcome: PromiseSettledResult<ProgramResult>): ProgramResult {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** The lines of the file that a party keeps, or null. */
function lines({ file }: ProgramResult): string[] | null {
  return file && Buffer.concat(file.chunks).toString('utf8').split('\n').slice(0, -1);
}

const opened = ({ disclosures }: ProgramNotes<PsiContract>): string[] =>
  disclosures.map(({ class: name, to, elements }) => `${name} ${elements} to ${to.join()}`);

describe('program of a set intersection', () => {
  it('leaves both receivers the common keys in one order, which is not that of a file', async () => {
    const { a, b, notes } = await run(range(9), range(9, 4).reverse());
    deepEqual(lines(resultOf(a)), lines(resultOf(b)));
    deepEqual(lines(resultOf(a))!.toSorted(), ['id', 'k4', 'k5', 'k6', 'k7', 'k8']);
    for (const result of [resultOf(a), resultOf(b)]) {
      equal(result.file!.name, 'intersection.csv');
      deepEqual(result.metrics, {});
      deepEqual(result.extra, { rows: 9, intersection_size: 5 });
      deepEqual([result.model, result.part], [null, null]);
    }
    for (const party of ['orgA', 'orgB'] as const) {
      deepEqual(notes[party].phases, ['aligning', 'publishing']);
      deepEqual(opened(notes[party]), ['intersection 9 to orgA,orgB']);
    }
  });

  for (const receiver of ['orgA', 'orgB'] as const) {
    it(`tells ${receiver} alone when it alone receives: no message says which keys matched`, async () => {
      const { a, b, notes, types } = await run(range(9), range(7, 4), { receivers: [receiver] });
      const [learns, other] = receiver === 'orgA' ? [a, b] : [b, a];
      deepEqual(lines(resultOf(learns)), ['id', 'k4', 'k5', 'k6', 'k7', 'k8']);
      const { file, metrics, extra } = resultOf(other);
      deepEqual([file, metrics], [null, null]);
      deepEqual(extra, { rows: receiver === 'orgA' ? 7 : 9 });
      ok(
        types.every((type) => !type.includes('Match')),
        types.join(),
      );
      deepEqual(opened(notes.orgA), [`intersection 9 to ${receiver}`]);
      deepEqual(opened(notes.orgB), [`intersection 7 to ${receiver}`]);
    });
  }

  it('leaves a file with a header alone when there is no common key, or no row', async () => {
    for (const [orgA, orgB] of [
      [range(5), range(5, 50)],
      [[], range(5)],
      [range(5), []],
      [[], []],
    ]) {
      const { a, b } = await run(orgA!, orgB!);
      for (const outcome of [a, b]) {
        deepEqual(lines(resultOf(outcome)), ['id']);
        equal(resultOf(outcome).extra.intersection_size, 0);
      }
    }
  });

  it('takes repeated keys by the declared rule', async () => {
    const repeated = ['x', 'y', 'x', 'z', 'y'];
    const { a, b } = await run(repeated, ['y', 'z', 'w'], { duplicates: 'first' });
    deepEqual(lines(resultOf(a)), lines(resultOf(b)));
    deepEqual(lines(resultOf(a))!.toSorted(), ['id', 'y', 'z']);
    deepEqual(resultOf(a).extra, { rows: 5, duplicates: 2, intersection_size: 2 });
    deepEqual(resultOf(b).extra, { rows: 3, duplicates: 0, intersection_size: 2 });
    const notes = programRuns(psiContract({ orgA: 5, orgB: 3 }), {
      orgA: keysAlone(repeated),
      orgB: keysAlone(['y', 'z', 'w']),
    });
    await rejects(intersect(notes.orgA.context), (error) => {
      ok(error instanceof DatasetError);
      equal(error.code, 'duplicate_key');
      equal(error.message, 'credit/train.csv: row 3, column id: repeats the key of an earlier row');
      return true;
    });
    equal(notes.orgA.channel.stats.messagesSent, 0);
  });

  it('counts first where there is a minimum, and goes on when it is met', async () => {
    const { a, b, notes, types } = await run(range(9), range(9, 4), { minimum: 5 });
    equal(lines(resultOf(a))!.length, 6);
    equal(lines(resultOf(b))!.length, 6);
    for (const party of ['orgA', 'orgB'] as const) {
      deepEqual(opened(notes[party]), [
        'intersection_size 1 to orgA,orgB',
        'intersection 9 to orgA,orgB',
      ]);
    }
    const count = types.findIndex((type) => type.includes('CardinalityCount'));
    const match = types.findIndex((type) => type.includes('EcdhPsiReceiverSize'));
    ok(count >= 0 && count < match, types.join());
  });

  it('ends at both parties below the minimum, before identities, without the count', async () => {
    for (const receivers of [['orgA'], ['orgB'], ['orgA', 'orgB']] as const) {
      const { a, b, notes, types } = await run(range(9), range(9, 4), { minimum: 6, receivers });
      for (const outcome of [a, b]) {
        ok(outcome.status === 'rejected' && outcome.reason instanceof TaskError);
        equal(outcome.reason.code, 'TOO_FEW_COMMON');
        ok(!/\b5\b/.test(outcome.reason.message), outcome.reason.message);
        ok(outcome.reason.message.includes('fewer than 6 '), outcome.reason.message);
      }
      for (const party of ['orgA', 'orgB'] as const) {
        deepEqual(opened(notes[party]), ['intersection_size 1 to orgA,orgB']);
      }
      ok(
        types.every((type) => type.startsWith('/count')),
        types.join(),
      );
    }
  });

  it('sends nothing that its ledger refuses', async () => {
    const contract = psiContract({ orgA: 3, orgB: 3 });
    const silent = { ...contract, leakage: { ...contract.leakage, opened: [] } };
    for (const minimumIntersection of [0, 2]) {
      const alignment = { ...contract.alignment, minimumIntersection };
      const data = { orgA: keysAlone(range(3)), orgB: keysAlone(range(3)) };
      const { orgA } = programRuns({ ...silent, alignment }, data);
      await rejects(intersect(orgA.context), { code: 'NOT_DECLARED' });
      equal(orgA.channel.stats.messagesSent, 0);
    }
  });

  it('tells both how many records they have in common, and not which, where that is asked for', async () => {
    const base = psiContract({ orgA: 9, orgB: 6 });
    for (const [minimumIntersection, duplicates] of [
      [0, 'reject'],
      [4, 'first'],
      [5, 'first'],
    ] as const) {
      const contract = psiContract(
        { orgA: 9, orgB: 6 },
        {
          receivers: ['orgA', 'orgB'],
          parameters: { output: 'size', join: 'inner' },
          alignment: { ...base.alignment, minimumIntersection, duplicates },
        },
      );
      const repeated = duplicates === 'first' ? ['k8', 'k8'] : ['k20', 'k21'];
      const data = {
        orgA: keysAlone(range(9)),
        orgB: keysAlone(['k5', 'k6', 'k7', 'k8', ...repeated]),
      };
      const types: string[] = [];
      const observe = ({ type }: PartyFrame): void => void types.push(type);
      const counted = runPrograms(contract, data, (context) => intersect(context), { observe });
      if (minimumIntersection > 4) {
        await rejects(counted, { code: 'TOO_FEW_COMMON' });
        continue;
      }
      const { results, notes } = await counted;
      for (const [name, rows] of [
        ['orgA', 9],
        ['orgB', 6],
      ] as const) {
        const { file, metrics, extra } = results[name];
        deepEqual([file, metrics], [null, {}]);
        const dropped = name === 'orgB' ? 2 : 0;
        deepEqual(extra, {
          rows,
          ...(duplicates === 'first' && { duplicates: dropped }),
          intersection_size: 4,
        });
        deepEqual(opened(notes[name]), ['intersection_size 1 to orgA,orgB']);
        deepEqual(notes[name].saved, []);
      }
      ok(types.every((type) => type.includes('Cardinality') || type.includes('EcdhPsiP')));
      ok(types.length > 0);
    }
  });
});
