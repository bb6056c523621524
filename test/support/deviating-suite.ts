/** Set intersections, as programs, with a party that sends one message as it should not. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { PsiContract } from '../../src/party/consensus/contract.ts';
import type { LoadedDataset } from '../../src/party/datasets/datasets.ts';
import type { ProgramContext, ProgramResult } from '../../src/party/tasks/program.ts';
import { intersect } from '../../src/party/tasks/programs/intersect.ts';
import type { MatchingOptions } from '../../src/party/tasks/programs/key-matching.ts';
import { labelledIntersect } from '../../src/party/tasks/programs/labelled-intersect.ts';
import { TaskError } from '../../src/party/tasks/task-error.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';
import { textColumn } from '../../src/protocols/psi/text-column.ts';
import {
  type DeviatingParty,
  type Deviation,
  deviatingParty,
  WAYS,
  type Way,
} from './deviation.ts';
import { keysAlone, programRuns, psiContract } from './program-parties.ts';
import { voleDealer } from './vole-dealer.ts';

const NAMES = ['orgA', 'orgB', 'orgC'];
const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);

/** Rows of the parties; with repeated keys where the rule takes them. */
const KEYS = [range(14), range(11, 6), range(12, 3)];
const REPEATED = ['k6', 'k9', 'k6'];

export interface Setting {
  readonly parties?: 2 | 3;
  readonly receivers?: readonly string[];
  readonly alignment?: Partial<PsiContract['alignment']>;
  readonly parameters?: Partial<PsiContract['parameters']>;
  readonly labelled?: boolean;
  readonly buckets?: number;
  /** Correlations as nodes make them, and deviations in those messages alone. */
  readonly silent?: boolean;
  /** Who deviate, one at a time; all unless told. */
  readonly deviants?: readonly number[];
  readonly ways?: readonly Way[];
}

/** How a run ended that one party was no honest part of. */
interface Outcome {
  /** Type of the message that was changed; null: there was nothing to change. */
  readonly changed: string | null;
  /** Who failed first, and why; null when nobody did. */
  readonly first: { readonly party: number; readonly error: unknown } | null;
  /** Nothing moved any more: every party waited for another. */
  readonly stalled: boolean;
  readonly files: readonly (string | null)[];
  /** Types of what each party meant to send. */
  readonly messages: readonly (readonly string[])[];
}

/** So many looks in a row at which nothing had moved: all work is done in this thread, in small pieces. */
const STALLED_LOOKS = 4;
const LOOK_MS = 5;

async function run(setting: Setting, deviant = -1, deviation?: Deviation): Promise<Outcome> {
  const { parties: n = 2, receivers = NAMES.slice(0, n), labelled, buckets } = setting;
  const names = NAMES.slice(0, n);
  const keys = KEYS.slice(0, n).map((own) =>
    (setting.alignment?.duplicates ?? 'reject') === 'reject' ? own : [...own, ...REPEATED],
  );
  const rows = Object.fromEntries(names.map((name, i) => [name, keys[i]!.length]));
  const base = psiContract(rows, { receivers });
  const contract = psiContract(rows, {
    receivers,
    ...(labelled && {
      algorithm: { ...base.algorithm, name: 'labelled_intersection' },
      payload: { orgB: ['city', 'note'] },
    }),
    alignment: { ...base.alignment, engine: 'rr22', ...setting.alignment },
    parameters: { ...base.parameters, ...setting.parameters },
  });
  const dataOf = (i: number): LoadedDataset => ({
    ...keysAlone(keys[i]!),
    ...(labelled &&
      i === 1 && {
        payload: ['city', 'note'].map((name) => textColumn(keys[i]!.map((key) => name + key))),
      }),
  });
  const abort = new AbortController();
  const watched = names.map((_, i) => deviatingParty(i === deviant ? deviation : undefined));
  const runs = programRuns(
    contract,
    Object.fromEntries(names.map((name, i) => [name, dataOf(i)])),
    { signal: abort.signal, wrap: (channel, me) => watched[me]!.wrap(channel) },
  );
  const matching: MatchingOptions = {
    ...(!setting.silent && { vole: voleDealer('deviations') }),
    ...(buckets && { bucketCount: () => buckets }),
  };
  const program = (context: ProgramContext<PsiContract>): Promise<ProgramResult> =>
    (labelled ? labelledIntersect : intersect)(context, matching);

  let first: Outcome['first'] = null;
  let stalled = false;
  const stopWatching = onStall(watched, () => {
    stalled = true;
    abort.abort();
  });
  const files = await Promise.all(
    names.map(async (name, party) => {
      try {
        const { file } = await program(runs[name]!.context);
        return file && Buffer.concat(file.chunks).toString('utf8');
      } catch (error) {
        if (!stalled) first ??= { party, error };
        abort.abort();
        return null;
      }
    }),
  );
  stopWatching();
  const changed = watched[deviant]?.changed ?? null;
  return { changed, first, stalled, files, messages: watched.map(({ sent }) => sent) };
}

/** Calls back once no party means to send anything any more. */
function onStall(parties: readonly DeviatingParty[], stall: () => void): () => void {
  let [before, still] = [0, 0];
  const timer = setInterval(() => {
    const sent = parties.reduce((sum, party) => sum + party.sent.length, 0);
    still = sent === before ? still + 1 : 0;
    before = sent;
    if (still === STALLED_LOOKS) stall();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** All but silence, which only a clock ends. */
const LOUD = WAYS.filter((way) => way !== 'never');

/** Ways that cannot go unnoticed. */
const NOTICED: readonly Way[] = ['short', 'long', 'huge', 'most', 'undecodable', 'another'];

/** What only its sender knows, within bounds that hold; a learner may always say that it found nothing. */
const CLAIMS: Readonly<Record<string, readonly Way[]>> = {
  CardinalityCount: ['more', 'fewer', 'none'],
  DistinctKeys: ['more', 'fewer', 'none'],
  MatchCount: ['none'],
  CommonCount: ['none'],
};

/** Each message of each party in each way, and an end with a typed reason at the honest parties. */
export function deviatingSuite(title: string, settings: Readonly<Record<string, Setting>>): void {
  describe(title, function () {
    this.timeout(600_000);

    for (const [name, setting] of Object.entries(settings)) {
      it(`end with a typed reason at the honest party, or right: ${name}`, async () => {
        const honest = await run(setting);
        deepEqual([honest.first, honest.stalled], [null, false]);
        const { ways = LOUD, silent = false } = setting;
        for (const [deviant, types] of honest.messages.entries()) {
          if (setting.deviants && !setting.deviants.includes(deviant)) continue;
          for (const [at, type] of types.entries()) {
            // Of many alike, the first and the last.
            if (at !== types.indexOf(type) && at !== types.lastIndexOf(type)) continue;
            if (silent && !/^entente\.(ot|vole)\./.test(type)) continue;
            for (const way of ways) {
              const outcome = await run(setting, deviant, { at, way });
              check(outcome, { deviant, way, honest }, `${NAMES[deviant]} ${at} ${way}`);
            }
          }
        }
      });
    }
  });
}

interface Expected {
  readonly deviant: number;
  readonly way: Way;
  readonly honest: Outcome;
}

function check(
  { changed, first, stalled, files }: Outcome,
  { deviant, way, honest }: Expected,
  where: string,
): void {
  const what = `${where}: ${changed}`;
  if (changed === null) {
    deepEqual(files, honest.files, what);
    return;
  }
  if (first) {
    const { error, party } = first;
    if (way === 'stop') equal(party, deviant, what);
    else {
      const typed = error instanceof ProtocolError || error instanceof TaskError;
      ok(typed, `${what}: ${String((error as Error).stack)}`);
      ok(party !== deviant || !NOTICED.includes(way), `${what}: ${String(error)}`);
    }
    return;
  }
  ok(!NOTICED.includes(way), `${what}: ${stalled ? 'stalled' : 'went unnoticed'}`);
  const isClaim = CLAIMS[changed.split('.').at(-1)!]?.includes(way);
  if (stalled || way === 'noise' || isClaim) return;
  for (const [party, file] of files.entries()) {
    if (party !== deviant) deepEqual(file, honest.files[party], what);
  }
}
