import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { LabelledRecords, LabelledSenderSize } from '../../../../proto/gen/psi.ts';
import type { PsiContract } from '../../../../src/party/consensus/contract.ts';
import type { LoadedDataset } from '../../../../src/party/datasets/datasets.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import type { MatchingOptions } from '../../../../src/party/tasks/programs/key-matching.ts';
import { labelledIntersect } from '../../../../src/party/tasks/programs/labelled-intersect.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';
import { silentVole } from '../../../../src/protocols/vole/silent-vole.ts';
import { csvRecords } from '../../../support/csv-lines.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import {
  keysAlone,
  type ProgramRunOptions,
  psiContract,
  runPrograms,
} from '../../../support/program-parties.ts';
import { tamperingChannel } from '../../../support/tampering-channel.ts';
import { voleDealer } from '../../../support/vole-dealer.ts';

const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);

interface Run extends ProgramRunOptions {
  readonly provider?: 'orgA' | 'orgB';
  readonly receivers?: readonly string[];
  readonly duplicates?: 'reject' | 'first';
  readonly names?: readonly string[];
  readonly matching?: MatchingOptions;
}

/** What the provider says of its i-th record. */
const CITIES = ['Zürich', '', 'say "hi", twice', '漢字', '\ufeffB', ' 7 '];
const cityOf = (i: number): string => CITIES[i % CITIES.length]!;

async function run(orgA: readonly string[], orgB: readonly string[], options: Run = {}) {
  const { provider = 'orgB', duplicates = 'reject', matching, ...others } = options;
  const { names = ['city', 'segment'], ...links } = others;
  const requester = provider === 'orgA' ? 'orgB' : 'orgA';
  const { receivers = [requester] } = options;
  const rows = { orgA: orgA.length, orgB: orgB.length };
  const terms = { receivers, payload: { [provider]: names } };
  const base = psiContract(rows, terms);
  const contract = psiContract(rows, {
    ...terms,
    algorithm: { ...base.algorithm, name: 'labelled_intersection' },
    alignment: { ...base.alignment, engine: 'rr22', duplicates },
  });
  const keys = { orgA, orgB };
  const dataOf = (name: 'orgA' | 'orgB'): LoadedDataset => {
    const alone = keysAlone(keys[name]);
    if (name !== provider) return alone;
    const columns = [keys[name].map((_, i) => cityOf(i)), keys[name].map((key) => `of ${key}`)];
    return { ...alone, payload: columns.map(textColumn) };
  };
  const frames: PartyFrame[] = [];
  const { results, notes } = await runPrograms(
    contract,
    { orgA: dataOf('orgA'), orgB: dataOf('orgB') },
    (context) => labelledIntersect(context, { vole: voleDealer('labels'), ...matching }),
    { observe: (frame) => void frames.push(frame), ...links },
  );
  return { results, notes, frames };
}

function fileOf({ file }: ProgramResult) {
  return file && csvRecords(Buffer.concat(file.chunks).toString('utf8'));
}

describe('program of a labelled intersection', () => {
  for (const provider of ['orgA', 'orgB'] as const) {
    it(`gives the requester what ${provider} says of the common records, and it learns nothing`, async () => {
      const [mine, theirs] = [range(12), range(9, 5)];
      const sides = provider === 'orgB' ? ([mine, theirs] as const) : ([theirs, mine] as const);
      const { results, notes, frames } = await run(...sides, { provider });
      const requester = provider === 'orgA' ? 'orgB' : 'orgA';
      deepEqual(fileOf(results[requester]), [
        ['id', 'city', 'segment'],
        ...range(7, 5).map((key, i) => [key, cityOf(i), `of ${key}`]),
      ]);
      equal(results[requester].file!.name, 'labelled_intersection.csv');
      deepEqual(results[requester].extra, { rows: 12, intersection_size: 7 });
      equal(results[provider].file, null);
      equal(results[provider].metrics, null);
      deepEqual(results[provider].extra, { rows: 9 });
      ok(
        frames.every(({ type }) => !type.includes('Match')),
        'no message says what matched',
      );
      for (const name of ['orgA', 'orgB'] as const) {
        deepEqual(notes[name].disclosures, [
          { class: 'intersection', to: [requester], elements: name === requester ? 12 : 9 },
          { class: 'payload', to: [requester], elements: 2 * 9 },
        ]);
      }
    });
  }

  it('is the same over correlations that no dealer makes', async () => {
    const [dealt, silent] = [
      await run(range(12), range(9, 5)),
      await run(range(12), range(9, 5), { matching: { vole: silentVole } }),
    ];
    deepEqual(fileOf(silent.results.orgA), fileOf(dealt.results.orgA));
  });

  it('leaves a provider that receives too its own file, in the requester’s order', async () => {
    const { results } = await run(range(30), range(30, 15), { receivers: ['orgA', 'orgB'] });
    const [a, b] = [fileOf(results.orgA)!, fileOf(results.orgB)!];
    equal(results.orgB.file!.name, 'intersection.csv');
    deepEqual(
      b,
      a.map(([key]) => [key]),
    );
    equal(a.length, 16);
    for (const [key, city, segment] of a.slice(1)) {
      deepEqual([city, segment], [cityOf(Number(key!.slice(1)) - 15), `of ${key}`]);
    }
  });

  it('says what the first record of a key says, and counts the others', async () => {
    const { results } = await run(['x', 'y', 'x'], ['y', 'z', 'y', 'x'], { duplicates: 'first' });
    deepEqual(fileOf(results.orgA)!.slice(1), [
      ['x', cityOf(3), 'of x'],
      ['y', cityOf(0), 'of y'],
    ]);
    deepEqual(results.orgA.extra, { rows: 3, duplicates: 1, intersection_size: 2 });
    deepEqual(results.orgB.extra, { rows: 4, duplicates: 1 });
  });

  it('is right where a side has no record, or nothing is common', async () => {
    for (const [a, b] of [
      [[], range(3)],
      [range(3), []],
      [[], []],
      [range(3), range(3, 10)],
    ] as const) {
      const { results } = await run(a, b);
      deepEqual(fileOf(results.orgA), [['id', 'city', 'segment']]);
    }
  });

  it('names a column after its party where a key is called like it', async () => {
    const { results } = await run(range(1), range(1), { names: ['id', 'segment'] });
    deepEqual(fileOf(results.orgA)![0], ['id', 'orgB.id', 'segment']);
  });

  it('is the same in buckets, and goes on after each with what it was told', async () => {
    const matching: MatchingOptions = { bucketCount: () => 3 };
    const tables = [range(40), range(40, 20)] as const;
    for (const receivers of [['orgA'], ['orgA', 'orgB']]) {
      const whole = await run(...tables, { receivers });
      const parts = await run(...tables, { receivers, matching });
      deepEqual(fileOf(parts.results.orgA), fileOf(whole.results.orgA));
      for (const step of [1, 2, 3]) {
        const at = (name: 'orgA' | 'orgB') => parts.notes[name].saved[step - 1]!;
        const resume = { orgA: at('orgA'), orgB: at('orgB') };
        const resumed = await run(...tables, { receivers, matching, resume, session: 'another' });
        deepEqual(fileOf(resumed.results.orgA), fileOf(whole.results.orgA), `after ${step}`);
        deepEqual(fileOf(resumed.results.orgB) ?? [], fileOf(whole.results.orgB) ?? []);
      }
    }
  });

  it('takes no records that are too long, or are not texts', async () => {
    const malformed = { code: 'MALFORMED_MESSAGE' };
    const sizes: ProgramRunOptions['wrap'] = (channel) =>
      tamperingChannel(channel, LabelledSenderSize, (size) => ({ ...size, recordBytes: 1 << 20 }));
    await rejects(run(range(5), range(5), { wrap: sizes }), malformed);
    const records: ProgramRunOptions['wrap'] = (channel) =>
      tamperingChannel(channel, LabelledRecords, (sent) => ({
        records: sent.records.map((byte) => byte ^ 0x80),
      }));
    await rejects(run(range(5), range(5), { wrap: records }), malformed);
  });

  it('refuses a record that is too long, by file', async () => {
    const long = { payload: { orgB: ['note'] }, receivers: ['orgA'] };
    const base = psiContract({ orgA: 1, orgB: 1 }, long);
    const contract: PsiContract = {
      ...base,
      algorithm: { ...base.algorithm, name: 'labelled_intersection' },
      alignment: { ...base.alignment, engine: 'rr22' },
    };
    const alone = keysAlone(['k']);
    const data = { orgA: alone, orgB: { ...alone, payload: [textColumn(['x'.repeat(65_533)])] } };
    await rejects(runPrograms(contract, data, labelledIntersect), {
      name: 'DatasetError',
      code: 'bad_selection',
      message: /^credit\/train\.csv: a record's payload takes 65537 bytes, more than 65536/,
    });
  });
});
