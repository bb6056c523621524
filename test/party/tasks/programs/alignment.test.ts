import { deepEqual, equal, ok } from 'node:assert/strict';
import { leakageOf } from '../../../../src/party/tasks/declaration.ts';
import type { ProgramContext } from '../../../../src/party/tasks/program.ts';
import { alignRows } from '../../../../src/party/tasks/programs/alignment.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import {
  keysAlone,
  programRuns,
  psiContract,
  runPrograms,
} from '../../../support/program-parties.ts';
import { onlyKeys } from '../../../support/text-columns.ts';
import { tables, trainingContract, trainingRuns } from '../../../support/training-pair.ts';
import { voleDealer } from '../../../support/vole-dealer.ts';

describe('alignment of rows', () => {
  it('gives both parties the same records in the same order', async () => {
    const data = tables(15);
    const { a, b } = trainingRuns(trainingContract(), data);
    const [atA, atB] = await Promise.all([
      alignRows(a.context, data.orgA),
      alignRows(b.context, data.orgB),
    ]);
    equal(atA.length, 25);
    deepEqual(
      [...atA].map((row) => onlyKeys(data.orgA)![row]),
      [...atB].map((row) => onlyKeys(data.orgB)![row]),
    );
  });

  it('gives any number of parties the same records in the same order, in buckets too', async () => {
    const keys = {
      orgA: ['a', 'b', 'c', 'd', 'e'],
      orgB: ['e', 'x', 'd', 'b'],
      orgC: ['b', 'e', 'y', 'z', 'd', 'w'],
    };
    const contract = psiContract(
      { orgA: 5, orgB: 4, orgC: 6 },
      { receivers: ['orgA', 'orgB', 'orgC'] },
    );
    const data = {
      orgA: keysAlone(keys.orgA),
      orgB: keysAlone(keys.orgB),
      orgC: keysAlone(keys.orgC),
    };
    for (const buckets of [1, 3]) {
      const options = { bucketCount: () => buckets, vole: voleDealer('aligned') };
      const align = (context: ProgramContext) =>
        alignRows(context, data[context.self as 'orgA'], options);
      const { results } = await runPrograms(contract, data, align);
      const found = (['orgA', 'orgB', 'orgC'] as const).map((name) =>
        [...results[name]].map((row) => keys[name][row]),
      );
      deepEqual(found[0]!.toSorted(), ['b', 'd', 'e']);
      deepEqual([found[1], found[2]], [found[0], found[0]]);
    }
  });

  it('of row order sends nothing', async () => {
    const alignment = {
      method: 'row_order',
      engine: 'ecdh',
      duplicates: 'reject',
      minimumIntersection: 0,
    } as const;
    const { a } = trainingRuns(trainingContract({ alignment }));
    const rows = await alignRows(a.context, tables().orgA);
    ok(rows.every((row, i) => row === i));
    equal(a.channel.stats.messagesSent, 0);
  });

  it('counts first where there is a minimum: below it both end, and neither learns which', async () => {
    const base = trainingContract();
    for (const [minimumIntersection, met] of [
      [25, true],
      [26, false],
    ] as const) {
      const alignment = { ...base.alignment, minimumIntersection };
      const contract = { ...base, alignment, leakage: leakageOf({ ...base, alignment }) };
      const data = tables(15); // 25 in common
      const types: string[] = [];
      const observe = ({ label }: PartyFrame): void => void types.push(label);
      const { orgA, orgB } = programRuns(contract, data, { observe });
      const outcomes = await Promise.allSettled([
        alignRows(orgA.context, data.orgA),
        alignRows(orgB.context, data.orgB),
      ]);
      for (const outcome of outcomes) {
        if (met) {
          equal(outcome.status === 'fulfilled' && outcome.value.length, 25);
        } else {
          ok(outcome.status === 'rejected' && outcome.reason instanceof TaskError);
          equal(outcome.reason.code, 'TOO_FEW_COMMON');
          ok(!outcome.reason.message.includes('25'));
        }
      }
      for (const { disclosures } of [orgA, orgB]) {
        deepEqual(
          disclosures.map(({ class: name }) => name),
          met ? ['intersection_size', 'intersection'] : ['intersection_size'],
        );
      }
      equal(
        types.some((label) => label.startsWith('/match')),
        met,
      );
    }
  });
});
