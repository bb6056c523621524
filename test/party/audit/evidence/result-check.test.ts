import { deepEqual, equal } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { decodeEntry, type Entry } from '../../../../src/party/audit/entry.ts';
import type { OpeningLine } from '../../../../src/party/audit/evidence/bundle.ts';
import type { EvidenceSource } from '../../../../src/party/audit/evidence/export.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { RECEIPT_DOMAIN } from '../../../../src/party/consensus/receipt-check.ts';
import type { ResultReceipt } from '../../../../src/party/consensus/receipt-statement.ts';
import { signBody } from '../../../../src/party/consensus/signed.ts';
import { type AuditedTask, auditedTask, sourceOf } from '../../../support/audited-task.ts';
import {
  bytesOf,
  type EvidenceParty,
  evidenceParty,
  logBundle,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import { reasonsOf, reasonsWith, verify } from '../../../support/verified-bundle.ts';

const OTHER = '5e'.repeat(32);

/** What orgA may write beyond an honest task. */
interface Writer {
  readonly task: AuditedTask;
  /** Index of the first entry of a kind. */
  readonly indexOf: (kind: Entry['kind']) => number;
  /** Logs a result of attempt 2 that broke, like that of attempt 1 but for `change`. */
  readonly result: (
    change: Partial<ResultReceipt>,
    entry?: { readonly attempt?: number; readonly implementation?: string | null },
    by?: EvidenceParty,
  ) => Promise<unknown>;
}

/** What is wrong with orgA's bundle once it wrote more, and opens what `write` returns. */
async function found(
  write: (writer: Writer) => Promise<readonly OpeningLine[] | undefined>,
  changes: Partial<EvidenceSource> = {},
): Promise<readonly string[]> {
  const task = await auditedTask();
  const { a, b, taskId } = task;
  const entries = a.log.rows.map(({ bytes }) => decodeEntry(bytes));
  const openings = await write({
    task,
    indexOf: (kind) => entries.findIndex((entry) => entry.kind === kind),
    result: (change, { attempt = 2, implementation } = {}, by) => {
      const signer = by ?? (change.signer === 'orgB' ? b : a);
      const { transport, ...first } = (
        entries.find((entry) => entry.kind === 'result') as Entry<'result'>
      ).body.receipt.body;
      const body: ResultReceipt = {
        ...first,
        signer: signer.name,
        fingerprint: signer.signer.fingerprint,
        attempt: 2,
        outcome: 'failed',
        model: null,
        transport: [],
        ...change,
      };
      const receipt = signBody(signer.signer, RECEIPT_DOMAIN, body);
      const made = signer === a ? task.contract.algorithm.implementation : null;
      return a.trail.record(
        'result',
        { task: taskId, attempt },
        {
          receipt: { ...receipt, body: { ...body, transport: [...body.transport] } },
          implementation: implementation === undefined ? made : implementation,
        },
      );
    },
  });
  async function* opened(): AsyncGenerator<OpeningLine> {
    yield* openings ?? [];
  }
  const source = { ...sourceOf(task, a), openings: opened, ...changes };
  const lines = await taskBundle(source, taskId, { openings: true, unclosed: true });
  const { findings } = await verifyBundle(bytesOf(lines), trustIn([a, b]));
  return findings.map(({ reason, detail }) => `${reason}: ${detail}`);
}

/** The same of one result. */
const foundOf = (...result: Parameters<Writer['result']>): Promise<readonly string[]> =>
  found(async (writer) => {
    await writer.result(...result);
    return undefined;
  });

describe('results', () => {
  it('may be of further attempts, in which nothing came of it', async () => {
    deepEqual(await foundOf({}), []);
    deepEqual(await foundOf({ signer: 'orgB' }), []);
  });

  it('are of the attempt and the task in whose entry they stand', async () => {
    const wrong = ['result_forged: it is of another task or attempt'];
    deepEqual(await foundOf({ attempt: 3 }), wrong);
    deepEqual(await foundOf({}, { attempt: 3 }), wrong);
    deepEqual(await foundOf({ taskId: OTHER }), wrong);
    deepEqual(await foundOf({ taskId: OTHER, attempt: 3 }), wrong);
  });

  it('are one of each party in an attempt', async () => {
    const twice = (change: Partial<ResultReceipt>) =>
      found(async ({ result }) => {
        await result({});
        await result(change);
        return undefined;
      });
    deepEqual(await twice({}), [], 'the same, again');
    const other = ['result_differs: orgA signed another result of this attempt'];
    deepEqual(await twice({ metrics: OTHER }), other);
  });

  it('are signed by parties of the contract', async () => {
    const stranger = evidenceParty('orgC', 9);
    const forgedBy = 'result_forged: orgC is not a party of the contract';
    const ofStranger = await found(async ({ result }) => {
      await result({}, {}, stranger);
      await result({ metrics: OTHER }, {}, stranger);
      return undefined;
    });
    deepEqual(ofStranger, [forgedBy, forgedBy], 'what it says does not count');
    deepEqual(await foundOf({ fingerprint: OTHER }), ['wrong_key: orgA signed with another key']);
    const forger = evidenceParty('orgB', 9);
    const forged = await found(async ({ task, result }) => {
      await result({ fingerprint: task.b.signer.fingerprint }, {}, forger);
      return undefined;
    });
    deepEqual(
      forged.map((text) => text.split(':')[0]),
      ['result_forged'],
    );
  });

  it('are made by the code that was agreed, as far as the party knows', async () => {
    const wrong = ['implementation_differs: other code made it than was agreed'];
    for (const implementation of [OTHER, null]) {
      deepEqual(await foundOf({}, { implementation }), wrong);
    }
    const agreed = await foundOf({ signer: 'orgB' }, { implementation: 'ab'.repeat(32) });
    deepEqual(agreed, wrong, 'nobody knows by which code another party made its own');
  });

  it('speak of sessions that ended in order', async () => {
    const end = { frames: 1, bytes: 1, hash: OTHER };
    const transport = [{ peer: 'orgB', sent: end, received: end }];
    deepEqual(await foundOf({ transport }), [
      'session_missing: no session with orgB ended in order; the result speaks of one',
    ]);
    deepEqual(
      await foundOf({ signer: 'orgB', transport: [{ ...transport[0]!, peer: 'orgA' }] }),
      [],
    );
  });

  it('are of every party once one of them is complete', async () => {
    const missing = ['result_missing: the log of orgA has no result of orgB'];
    deepEqual(await foundOf({ outcome: 'completed' }), missing);
    deepEqual(await foundOf({ signer: 'orgB', outcome: 'completed' }), []);
    const awaited = await found(
      async ({ result }) => {
        await result({ outcome: 'completed' });
        return undefined;
      },
      { isDecided: async () => true },
    );
    deepEqual(awaited, ['result_awaited: the log of orgA has no result of orgB']);
  });
});

describe('openings in evidence', () => {
  it('are of what the party committed to', async () => {
    const honest = await found(async ({ task, indexOf }) => {
      const index = indexOf('disclosure');
      const value: OpeningLine = { line: 'opening', of: 'value', index, salt: OTHER };
      const [result, rule] = task.openings.get('orgA')!;
      return [result!, value, rule!];
    });
    deepEqual(honest, []);
  });

  it('are of nothing else', async () => {
    const changed = (change: (line: OpeningLine) => OpeningLine, which: number) =>
      found(async ({ task }) => [change(task.openings.get('orgA')![which]!)]);
    const ofResult = ['opening_wrong: it does not open the model of orgA’s result'];
    deepEqual(await changed((line) => ({ ...line, salt: OTHER }), 0), ofResult);
    deepEqual(await changed((line) => ({ ...line, attempt: 2 }) as OpeningLine, 0), ofResult);
    deepEqual(await changed((line) => ({ ...line, field: 'metrics' }) as OpeningLine, 0), [
      'opening_wrong: it does not open the metrics of orgA’s result',
    ]);
    const ofRule = ['opening_wrong: orgA voted by another rule'];
    deepEqual(await changed((line) => ({ ...line, salt: OTHER }), 1), ofRule);
    deepEqual(await changed((line) => ({ ...line, rule: {} }) as OpeningLine, 1), ofRule);
    const theirs = await found(async ({ task }) => [task.openings.get('orgB')![0]!]);
    deepEqual(theirs, ofResult, 'a party opens its own');
    const none = ['opening_wrong: there is no commitment of a value in that entry'];
    for (const index of [0, 1_000_000]) {
      const value = { line: 'opening', of: 'value', index, salt: OTHER } as const;
      deepEqual(await found(async () => [value]), none);
    }
    const empty = await found(async ({ task }) => {
      const scores = { class: 'validation_scores', to: ['orgA'], elements: 0, value: null };
      const at = { task: task.taskId, attempt: 1 };
      const index = await task.a.trail.record('disclosure', at, scores);
      return [{ line: 'opening', of: 'value', index, salt: OTHER }];
    });
    deepEqual(empty, none, 'it handed over nothing');
  });
});

async function* changedSalts(lines: AsyncIterable<OpeningLine>): AsyncGenerator<OpeningLine> {
  for await (const line of lines) yield { ...line, salt: '00'.repeat(32) };
}

describe('verification of results', () => {
  it('finds a result that claims another key, under which nothing would be checked', async () => {
    const forger = evidenceParty('orgB', 9);
    const reasons = await reasonsWith({
      resultBy: (name) => (name === 'orgB' ? forger : undefined),
      result: ({ signer }) => (signer === 'orgB' ? { fingerprint: '00'.repeat(32) } : {}),
    });
    deepEqual(reasons, ['wrong_key']);
  });

  it('finds a completed result whose sessions did not end in order', async () => {
    deepEqual(await reasonsWith({ sessionClosed: () => ({ code: 'CLOSED' }) }), [
      'session_missing',
    ]);
  });

  it('finds a result that the party did not sign, and one that is missing', async () => {
    const forger = evidenceParty('orgB', 9);
    const forged = await reasonsWith({
      resultBy: (name) => (name === 'orgB' ? forger : undefined),
    });
    deepEqual(forged, ['result_forged']);
    const other = await reasonsWith({ result: () => ({ taskId: '00'.repeat(32) }) });
    deepEqual(other, ['result_forged']);
    deepEqual(await reasonsWith({ noResultOf: 'orgB' }), ['result_missing']);
  });

  it('finds a party that signed for other bytes than the other counted', async () => {
    const reasons = await reasonsWith({
      result: ({ signer, transport: [first] }) =>
        signer === 'orgA'
          ? {}
          : { transport: [{ ...first!, received: { ...first!.received, hash: '77'.repeat(32) } }] },
    });
    deepEqual(reasons, ['bytes_differ']);
  });

  it('finds a party whose result is not what its own session ended with', async () => {
    const reasons = await reasonsWith({
      result: ({ transport: [first] }) => ({
        transport: [{ ...first!, sent: { ...first!.sent, frames: 43 } }],
      }),
    });
    deepEqual(reasons, ['bytes_differ']);
    const alone = await reasonsWith({
      sessionClosed: (_, { sent }) => ({ sent: { ...sent, frames: sent.frames + 1 } }),
    });
    deepEqual(alone, ['bytes_differ'], 'also when both results tell the same');
  });

  it('finds openings that open nothing', async () => {
    const task = await auditedTask();
    const source = sourceOf(task, task.a);
    const wrong = { ...source, openings: () => changedSalts(source.openings(task.taskId)) };
    const lines = await taskBundle(wrong, task.taskId, { openings: true });
    const report = await verify(lines, [task.a, task.b]);
    deepEqual(reasonsOf(report), ['opening_wrong']);
    equal(report.findings.length, 3);
    equal(report.file, null, 'what opens nothing shows no file');
  });

  it('holds a file against the one that the party agreed to bring', async () => {
    const task = await auditedTask();
    const digestOf = (name: string): string =>
      createHash('sha256').update(task.files.get(name)!).digest('hex');
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
    const unopened = await taskBundle(sourceOf(task, task.a), task.taskId);
    const otherOpening = (
      await taskBundle(sourceOf(task, task.b), task.taskId, { openings: true })
    ).find((line) => line.includes('"of":"dataset"'))!;
    const swapped = resealed(
      lines.map((line) => (line.includes('"of":"dataset"') ? otherOpening : line)),
    );
    const held = async (bundle: readonly string[], fileDigest: string) => {
      const trusted = trustIn([task.a, task.b]);
      const report = await verifyBundle(bytesOf(bundle), trusted, { fileDigest });
      return [report.file?.same ?? null, reasonsOf(report)];
    };
    deepEqual(await held(lines, digestOf('orgA')), [true, []]);
    deepEqual(await held(lines, digestOf('orgB')), [false, ['file_differs']]);
    deepEqual(await held(unopened, digestOf('orgA')), [null, ['file_unopened']]);
    deepEqual(await held(swapped, digestOf('orgB')), [null, ['file_unopened', 'opening_wrong']]);
    const log = await logBundle(sourceOf(task, task.a));
    deepEqual(await held(log, digestOf('orgA')), [null, ['file_unopened']]);
  });
});
