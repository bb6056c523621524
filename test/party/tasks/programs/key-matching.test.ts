import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MatchingSalt } from '../../../../proto/gen/matching.ts';
import { EcdhPsiPoints, Rr22Correction, Rr22Masks, Rr22Seed } from '../../../../proto/gen/psi.ts';
import { permutation, seededGenerator } from '../../../../src/ml/data/random.ts';
import type { PsiContract } from '../../../../src/party/consensus/contract.ts';
import {
  type Checkpoint,
  PHASE_STEPS,
  type ProgramContext,
} from '../../../../src/party/tasks/program.ts';
import { intersect } from '../../../../src/party/tasks/programs/intersect.ts';
import {
  checkpointsAfterMatching,
  type MatchingOptions,
} from '../../../../src/party/tasks/programs/key-matching.ts';
import { type FileSpill, fileSpill } from '../../../../src/party/tasks/thread/file-spill.ts';
import { bucketCapacity } from '../../../../src/protocols/psi/item-buckets.ts';
import { prefixBytes } from '../../../../src/protocols/psi/matching.ts';
import { silentVole } from '../../../../src/protocols/vole/silent-vole.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import {
  keysAlone,
  type ProgramRunOptions,
  psiContract,
  runPrograms,
} from '../../../support/program-parties.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { tamperingChannel } from '../../../support/tampering-channel.ts';
import { voleDealer } from '../../../support/vole-dealer.ts';

const BUCKETS = 4;
/** Of two sets of 45 and 60 keys in so many buckets. */
const MASK_BYTES = prefixBytes(bucketCapacity(60, BUCKETS), bucketCapacity(45, BUCKETS), BUCKETS);
const inBuckets: MatchingOptions = { bucketCount: () => BUCKETS };

const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);

/** Keys k from `from` on, in an order of their own. */
function shuffled(n: number, from: number): string[] {
  const keys = range(n, from);
  return [...permutation(n, seededGenerator(from + 1))].map((i) => keys[i]!);
}

interface Run extends ProgramRunOptions {
  readonly matching?: MatchingOptions;
  readonly receivers?: readonly string[];
  readonly alignment?: Partial<PsiContract['alignment']>;
}

/** One run; what each party's file says, with the notes. */
async function run(tables: Readonly<Record<string, readonly string[]>>, options: Run = {}) {
  const names = Object.keys(tables);
  const { matching, receivers = names, alignment, ...links } = options;
  const rows = Object.fromEntries(names.map((name) => [name, tables[name]!.length]));
  const base = psiContract(rows, { receivers });
  const contract = psiContract(rows, {
    receivers,
    alignment: { ...base.alignment, ...alignment },
  });
  const data = Object.fromEntries(names.map((name) => [name, keysAlone(tables[name]!)]));
  // A dealer a party: what it deals follows from the seed alone.
  const program = (context: ProgramContext<PsiContract>) =>
    intersect(context, { vole: voleDealer('matching'), ...matching });
  const { results, notes } = await runPrograms(contract, data, program, links);
  const files = Object.fromEntries(
    names.map((name) => {
      const { file } = results[name]!;
      return [name, file && Buffer.concat(file.chunks).toString('utf8').split('\n').slice(1, -1)];
    }),
  );
  return { files, results, notes, contract };
}

const TWO = { orgA: shuffled(60, 0), orgB: shuffled(45, 30) };
const COMMON = range(30, 30).sort();

describe('matching of keys', () => {
  const folder = scratchFolder();

  for (const engine of ['ecdh', 'rr22'] as const) {
    it(`finds the same in buckets as in one piece by ${engine}, in the same order`, async () => {
      const whole = await run(TWO, { alignment: { engine } });
      const parts = await run(TWO, { alignment: { engine }, matching: inBuckets });
      deepEqual(parts.files, whole.files);
      deepEqual(parts.files.orgA, parts.files.orgB);
      deepEqual(parts.files.orgA!.toSorted(), COMMON);
      for (const name of ['orgA', 'orgB']) {
        deepEqual(whole.notes[name]!.saved, [], 'one bucket needs no checkpoint');
        deepEqual(
          parts.notes[name]!.saved.map(({ step }) => step),
          [1, 2, 3, 4],
        );
        deepEqual(
          parts.notes[name]!.steps,
          [1, 2, 3, 4].map((step) => [step, BUCKETS]),
        );
        const opened = parts.notes[name]!.disclosures.map(({ elements }) => elements);
        equal(opened.length, BUCKETS);
        equal(
          opened.reduce((sum, each) => sum + each),
          TWO[name as 'orgA' | 'orgB'].length,
          'each key once',
        );
      }
    });
  }

  it('tells by no size how many keys a bucket holds, or how many are distinct', async () => {
    const sizes = async (orgA: readonly string[]): Promise<string[]> => {
      const frames: string[] = [];
      const observe = ({ from, label, type, bytes }: PartyFrame): void => {
        if (from === 0) frames.push(`${label} ${type} ${bytes.length}`);
      };
      const receivers = ['orgA'];
      const alignment = { duplicates: 'first' } as const;
      await run({ ...TWO, orgA }, { observe, matching: inBuckets, receivers, alignment });
      return frames.sort();
    };
    const repeated = [...range(20), ...range(20), ...range(20)];
    deepEqual(await sizes(repeated), await sizes(TWO.orgA));
  });

  it('finds the same with items on the disk, and asks for as much of it as they take', async () => {
    const asked: number[] = [];
    const spills: FileSpill[] = [];
    const spill = (bytes: number) => {
      asked.push(bytes);
      spills.push(fileSpill(join(folder.path, `${bytes}`)));
      return spills.at(-1)!;
    };
    const spilt = await run(TWO, { matching: inBuckets, spill });
    deepEqual(spilt.files, (await run(TWO)).files);
    deepEqual(readdirSync(join(folder.path, '900')).length, BUCKETS);
    for (const each of spills) await each.close();
    deepEqual(
      asked.toSorted((a, b) => a - b),
      [20 * 45, 20 * 60],
    );
    await run(TWO, { spill: () => ok(false, 'one bucket is in memory anyway') as never });
  });

  for (const rule of ['reject', 'first', 'expand'] as const) {
    it(`goes on after each bucket under ${rule}, in the same order`, async () => {
      const repeats = rule === 'reject' ? [] : ['k40', 'k1', 'k40', 'k59', 'k32'];
      const tables = { ...TWO, orgA: [...TWO.orgA, ...repeats] };
      for (const receivers of [['orgA', 'orgB'], ['orgB']]) {
        const engine = rule === 'expand' && receivers.length === 1 ? 'rr22' : 'ecdh';
        const options = {
          receivers,
          matching: inBuckets,
          alignment: { duplicates: rule, engine },
        } as const;
        const whole = await run(tables, options);
        for (let step = 1; step <= BUCKETS; step++) {
          const resume = at(whole, step);
          const resumed = await run(tables, { ...options, resume, session: `after ${step}` });
          deepEqual(resumed.files, whole.files, `after ${step}`);
          deepEqual(
            resumed.results.orgA!.extra,
            whole.results.orgA!.extra,
            'repeated keys are counted in all buckets',
          );
          for (const name of ['orgA', 'orgB']) {
            deepEqual(
              resumed.notes[name]!.saved.map((saved) => saved.step),
              Array.from({ length: BUCKETS - step }, (_, i) => step + 1 + i),
            );
          }
        }
      }
    });
  }

  for (const engine of ['ecdh', 'rr22'] as const) {
    it(`shows a bucket that is matched again as another one by ${engine}: nothing links attempts`, async () => {
      const matching = { ...inBuckets, vole: silentVole };
      const whole = await run(TWO, { matching: inBuckets });
      const attempt = async (session: string): Promise<string[]> => {
        const rows: string[] = [];
        const take = (bytes: Uint8Array, width: number): void => {
          for (let at = 0; at < bytes.length; at += width) {
            rows.push(Buffer.from(bytes.subarray(at, at + width)).toString('hex'));
          }
        };
        const observe = ({ type, bytes }: PartyFrame): void => {
          if (type === EcdhPsiPoints.$type) take(EcdhPsiPoints.decode(bytes).points, 32);
          if (type === Rr22Seed.$type) take(Rr22Seed.decode(bytes).seed, 16);
          if (type === Rr22Correction.$type) take(Rr22Correction.decode(bytes).slots, 16);
          if (type === Rr22Masks.$type) take(Rr22Masks.decode(bytes).masks, MASK_BYTES);
        };
        const resume = at(whole, BUCKETS - 1); // one salt, one bucket
        await run(TWO, { matching, resume, session, observe, alignment: { engine } });
        return rows;
      };
      const both = [...(await attempt('first')), ...(await attempt('second'))];
      ok(both.length > 100);
      equal(new Set(both).size, both.length);
    });
  }

  it('goes on after a failure in any bucket, from what both have saved', async () => {
    const whole = await run(TWO, { matching: inBuckets });
    for (let failing = 1; failing < BUCKETS; failing++) {
      const saved: Record<string, Checkpoint[]> = { orgA: [], orgB: [] };
      const onSave = (self: string, checkpoint: Checkpoint): void => {
        if (self === 'orgB' && checkpoint.step === failing + 1) throw new Error('the disk is full');
        saved[self]!.push(checkpoint);
      };
      await rejects(run(TWO, { matching: inBuckets, onSave }), { message: 'the disk is full' });
      const resume = {
        orgA: saved.orgA!.find(({ step }) => step === failing)!,
        orgB: saved.orgB!.find(({ step }) => step === failing)!,
      };
      const resumed = await run(TWO, { matching: inBuckets, resume, session: 'another' });
      deepEqual(resumed.files, whole.files);
    }
  });

  it('does not go on with other records, another number of buckets, or another attempt’s point', async () => {
    const whole = await run(TWO, { matching: inBuckets });
    const unusable = { name: 'TaskError', code: 'CHECKPOINT_UNUSABLE' };
    const resume = at(whole, 2);
    const changed = { ...TWO, orgB: TWO.orgB.with(7, 'another') };
    await rejects(run(changed, { matching: inBuckets, resume }), unusable);
    await rejects(run(TWO, { matching: { bucketCount: () => 5 }, resume }), unusable);
    await rejects(run(TWO, { matching: inBuckets, resume, receivers: ['orgA'] }), unusable);
    const other = await run(TWO, { matching: inBuckets, session: 'another' });
    const mixed = { orgA: resume.orgA!, orgB: at(other, 2).orgB! };
    await rejects(run(TWO, { matching: inBuckets, resume: mixed }), unusable);
  });

  it('counts once where there is a minimum, not again when it goes on', async () => {
    const alignment = { minimumIntersection: 30 };
    const whole = await run(TWO, { matching: inBuckets, alignment });
    const labels: string[] = [];
    const observe = ({ label }: PartyFrame): void => void labels.push(label);
    const options = { matching: inBuckets, alignment, resume: at(whole, 3), observe };
    const resumed = await run(TWO, options);
    deepEqual(resumed.files, whole.files);
    ok(labels.length > 0 && labels.every((label) => !label.startsWith('/count')));
    const below = { minimumIntersection: 31 };
    await rejects(run(TWO, { matching: inBuckets, alignment: below }), { code: 'TOO_FEW_COMMON' });
  });

  describe('of three parties and more', () => {
    const THREE = { orgA: shuffled(40, 0), orgB: shuffled(50, 10), orgC: shuffled(30, 20) };
    const all = range(20, 20).sort();
    const alignment = { engine: 'rr22' } as const;

    it('finds what all have, in one order, for those who receive', async () => {
      for (const receivers of [Object.keys(THREE), ['orgB', 'orgC'], ['orgC']]) {
        for (const matching of [{}, inBuckets]) {
          const { files } = await run(THREE, { alignment, receivers, matching });
          for (const name of Object.keys(THREE)) {
            if (!receivers.includes(name)) equal(files[name], null);
            else deepEqual(files[name]!.toSorted(), all);
            if (receivers.length > 1 && receivers.includes(name)) {
              deepEqual(files[name], files[receivers[0]!]);
            }
          }
          if (receivers.length === 1) {
            deepEqual(
              files.orgC,
              THREE.orgC.filter((key) => all.includes(key)),
              'in the order of its file',
            );
          }
        }
      }
    });

    it('goes on after each bucket', async () => {
      const options = { alignment, matching: inBuckets };
      const whole = await run(THREE, options);
      for (const step of [1, 3, 4]) {
        const resumed = await run(THREE, { ...options, resume: at(whole, step), session: 'x' });
        deepEqual(resumed.files, whole.files, `after ${step}`);
      }
    });

    it('salts with what the leader draws: another salt every time, of the right length', async () => {
      const salts: Uint8Array[] = [];
      const observe = ({ from, type, bytes }: PartyFrame): void => {
        if (type !== MatchingSalt.$type) return;
        equal(from, 0);
        salts.push(MatchingSalt.decode(bytes).salt);
      };
      await run(THREE, { alignment, observe });
      await run(THREE, { alignment, observe, session: 'another' });
      deepEqual(
        salts.map(({ length }) => length),
        [32, 32, 32, 32],
      );
      deepEqual([salts[0], salts[2]], [salts[1], salts[3]]);
      notDeepEqual(salts[0], salts[2]);
      for (const length of [0, 31, 33]) {
        const wrap: ProgramRunOptions['wrap'] = (channel) =>
          tamperingChannel(channel, MatchingSalt, () => ({ salt: new Uint8Array(length) }));
        await rejects(run(THREE, { alignment, wrap }), { code: 'MALFORMED_MESSAGE' });
      }
    });
  });

  describe('with what follows it', () => {
    const contract = psiContract({ orgA: 60, orgB: 45 });
    const bytes = new Uint8Array(64).fill(7);
    const seventh = { step: PHASE_STEPS + 7, bytes };

    function savedAs(
      checkpoint: Checkpoint,
      options?: MatchingOptions,
      of: PsiContract = contract,
    ): readonly Checkpoint[] {
      const saved: Checkpoint[] = [];
      const save = (each: Checkpoint): void => void saved.push(each);
      const checkpoints = { resume: null, save };
      checkpointsAfterMatching({ contract: of, checkpoints }, options).save(checkpoint);
      return saved;
    }

    function resumedAt(resume: Checkpoint | null, options?: MatchingOptions): Checkpoint | null {
      const checkpoints = { resume, save: () => undefined };
      return checkpointsAfterMatching({ contract, checkpoints }, options).resume;
    }

    it('leaves the steps after its own to it', () => {
      const own = { step: 7, bytes };
      deepEqual(savedAs(own), [own]);
      deepEqual(savedAs(own, inBuckets), [seventh]);
      const large = psiContract({ orgA: 2 ** 21 + 1, orgB: 1 });
      deepEqual(savedAs(own, {}, large), [seventh]);
      const alignment = { ...large.alignment, method: 'row_order' } as const;
      deepEqual(savedAs(own, {}, { ...large, alignment }), [own]);
    });

    it('lets it go on where it was, unless the matching itself does', () => {
      equal(resumedAt(null, inBuckets), null);
      deepEqual(resumedAt({ step: 7, bytes }), { step: 7, bytes });
      deepEqual(resumedAt(seventh, inBuckets), { step: 7, bytes });
      const ofMatching = Buffer.concat([Buffer.from('ENTM'), bytes]);
      equal(resumedAt({ step: 1, bytes: ofMatching }, inBuckets), null);
    });
  });
});

/** What every party saved after so many buckets. */
function at(
  { notes }: Pick<Awaited<ReturnType<typeof run>>, 'notes'>,
  step: number,
): Record<string, Checkpoint> {
  return Object.fromEntries(
    Object.entries(notes).map(([name, { saved }]) => [
      name,
      saved.find((each) => each.step === step)!,
    ]),
  );
}
