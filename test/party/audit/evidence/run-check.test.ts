import { deepEqual, ok } from 'node:assert/strict';
import { decodeEntry, type Entry, type EntryKind } from '../../../../src/party/audit/entry.ts';
import type { EntryLine } from '../../../../src/party/audit/evidence/bundle.ts';
import { Findings } from '../../../../src/party/audit/evidence/findings.ts';
import type { Ground } from '../../../../src/party/audit/evidence/ground.ts';
import { runCheck } from '../../../../src/party/audit/evidence/run-check.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import {
  encodeStatement,
  PHASE_COUNTER_DOMAIN,
  PHASE_DOMAIN,
  type PhaseStatement,
} from '../../../../src/party/audit/phase-statement.ts';
import { certificateDigest } from '../../../../src/party/consensus/certificate.ts';
import { taskIdOf } from '../../../../src/party/consensus/contract-check.ts';
import { type AuditedTask, auditedTask, sourceOf } from '../../../support/audited-task.ts';
import { sampleContract } from '../../../support/contracts.ts';
import { bytesOf, evidenceParty, hexOf, taskBundle, trustIn } from '../../../support/evidence.ts';
import { exported, reasonsOf, reasonsWith, verify } from '../../../support/verified-bundle.ts';

const OTHER = '5e'.repeat(32);

/** What orgA may write beyond an honest task. */
interface Writer {
  readonly task: AuditedTask;
  /** The first entry of a kind that the honest task has. */
  readonly first: <K extends EntryKind>(kind: K) => Entry<K>;
  readonly opened: (
    attempt: number,
    change?: Partial<Entry<'session_opened'>['body']>,
  ) => Promise<unknown>;
  readonly closed: (
    attempt: number,
    change?: Partial<Entry<'session_closed'>['body']>,
  ) => Promise<unknown>;
  /** Logs a statement that both parties have signed; `attempt` is the entry's. */
  readonly receipt: (change: Partial<PhaseStatement>, attempt?: number) => Promise<unknown>;
}

/** What is wrong with orgA's bundle once it wrote more. */
async function found(write: (writer: Writer) => Promise<unknown>): Promise<readonly string[]> {
  const task = await auditedTask();
  const { a, b, taskId } = task;
  const entries = a.log.rows.map(({ bytes }) => decodeEntry(bytes));
  const first = <K extends EntryKind>(kind: K): Entry<K> =>
    entries.find((entry) => entry.kind === kind) as Entry<K>;
  const at = (attempt: number) => ({ task: taskId, attempt });
  await write({
    task,
    first,
    opened: (attempt, change) => {
      const body = { ...first('session_opened').body, session: OTHER, ...change };
      return a.trail.record('session_opened', at(attempt), body);
    },
    closed: (attempt, change) => {
      const body = { ...first('session_closed').body, code: 'CLOSED', session: OTHER, ...change };
      return a.trail.record('session_closed', at(attempt), body);
    },
    receipt: (change, attempt = 2) => {
      const base = { ...first('phase_receipt').body.statement, attempt: 2, session: OTHER };
      const statement: PhaseStatement = { ...base, from: 'orgA', to: 'orgB', ...change };
      const bytes = encodeStatement(statement);
      const by = (name: string) => (name === 'orgB' ? b : a).signer;
      return a.trail.record('phase_receipt', at(attempt), {
        statement,
        signature: hexOf(by(statement.from).sign(PHASE_DOMAIN, bytes)),
        countersignature: hexOf(by(statement.to).sign(PHASE_COUNTER_DOMAIN, bytes)),
      });
    },
  });
  const lines = await taskBundle(sourceOf(task, a), taskId);
  const { findings } = await verifyBundle(bytesOf(lines), trustIn([a, b]));
  return findings.map(({ reason, detail }) => `${reason}: ${detail}`);
}

describe('what ran', () => {
  it('may have further sessions, which end as they like', async () => {
    const honest = await found(async ({ opened, receipt, closed }) => {
      await opened(2);
      await receipt({ number: 0 });
      await receipt({ number: 0, from: 'orgB', to: 'orgA' });
      await closed(2);
    });
    deepEqual(honest, []);
  });

  it('has sessions with parties of the task, under their keys, each once', async () => {
    const again = ({ opened, first }: Writer) =>
      opened(1, { session: first('session_opened').body.session });
    deepEqual(await found(again), ['session_unbound: it was opened before']);
    deepEqual(await found(({ opened }) => opened(2, { peer: 'orgC' })), [
      'session_unbound: orgC is no party of the contract',
    ]);
    deepEqual(await found(({ opened }) => opened(2, { fingerprint: OTHER })), [
      'wrong_key: the session was with another key than orgB’s',
    ]);
    deepEqual(await found(({ opened }) => opened(2, { peer: 'orgA' })), [
      'session_unbound: orgA has it with itself',
    ]);
    const early = ['session_unbound: it was opened for another start certificate'];
    deepEqual(await found(({ opened }) => opened(2, { certificate: OTHER })), early);
  });

  it('ends sessions that were opened, each once', async () => {
    const none = ['session_unbound: no such session was opened'];
    deepEqual(await found(({ closed }) => closed(2)), none);
    const ends: readonly Parameters<Writer['closed']>[] = [[3], [2, { peer: 'orgC' }]];
    for (const end of ends) {
      const wrong = async ({ opened, closed }: Writer): Promise<void> => {
        await opened(2);
        await closed(...end);
      };
      deepEqual(await found(wrong), none, JSON.stringify(end));
    }
    const twice = async ({ opened, closed }: Writer): Promise<void> => {
      await opened(2);
      await closed(2);
      await closed(2);
    };
    deepEqual(await found(twice), ['session_unbound: it was closed before']);
  });

  it('has receipts of its own sessions alone, whoever signed others', async () => {
    const none = ['session_unbound: it is the receipt of no session that was opened'];
    const changes: readonly Partial<PhaseStatement>[] = [
      { session: 'c0'.repeat(32) },
      { taskId: OTHER },
      { from: 'orgC' },
      { to: 'orgC' },
      { to: 'orgA' },
      { from: 'orgB' },
      { from: 'orgB', to: 'orgC' },
      { from: 'orgC', to: 'orgA' },
    ];
    for (const change of changes) {
      const wrong = async ({ opened, receipt }: Writer): Promise<void> => {
        await opened(2);
        await receipt({ number: 0, ...change });
      };
      deepEqual(await found(wrong), none, JSON.stringify(change));
    }
    const otherEntry = async ({ opened, receipt }: Writer): Promise<void> => {
      await opened(2);
      await receipt({ number: 0 }, 3);
    };
    deepEqual(await found(otherEntry), none);
    const otherAttempt = async ({ opened, receipt }: Writer): Promise<void> => {
      await opened(2);
      await receipt({ number: 0, attempt: 3 }, 3);
    };
    deepEqual(await found(otherAttempt), ['session_unbound: it is the receipt of another attempt']);
  });

  it('has receipts that continue each other in every number', async () => {
    const before = { number: 0, frames: 10, bytes: 1000, hash: OTHER, last: false };
    const followed = async (second: Partial<PhaseStatement>, first: Partial<PhaseStatement> = {}) =>
      found(async ({ opened, receipt }) => {
        await opened(2);
        await receipt({ ...before, ...first });
        await receipt({ ...before, number: 1, ...second });
      });
    const broken = ['receipt_broken: it does not continue the receipt after 10 frames'];
    deepEqual(await followed({}), [], 'nothing was sent between the two');
    deepEqual(await followed({ frames: 11, bytes: 1001, hash: 'c0'.repeat(32) }), []);
    deepEqual(await followed({ number: 0 }), broken);
    deepEqual(await followed({ frames: 9, bytes: 1000 }), broken);
    deepEqual(await followed({ frames: 11, bytes: 999 }), broken);
    deepEqual(await followed({ hash: 'c0'.repeat(32) }), broken);
    deepEqual(await followed({ frames: 11 }, { last: true }), broken);
  });

  it('may apply a model to other data, alone', async () => {
    const read = (purpose: 'apply' | 'compute') =>
      found(({ task, first }) => {
        const body = { ...first('data_access').body, purpose, rows: 7 };
        return task.a.trail.record('data_access', { task: task.taskId, attempt: 1 }, body);
      });
    deepEqual(await read('apply'), []);
    deepEqual(await read('compute'), ['dataset_differs: orgA read other data than it brought']);
  });

  it('opens nothing without a session between two that hold data, and may where one does', () => {
    const [a, b] = [evidenceParty('orgA', 1), evidenceParty('orgB', 2)];
    const sample = sampleContract([a.signer, b.signer]);
    const foundWith = (...holders: readonly string[]): readonly string[] => {
      const parties = sample.parties.map((party) =>
        holders.includes(party.name) ? party : { ...party, dataset: null },
      );
      const findings = new Findings();
      const header = { party: 'orgA', task: taskIdOf(sample) };
      const ground = { header, contract: { ...sample, parties }, trusted: trustIn([a, b]) };
      const check = runCheck(ground as unknown as Ground, findings);
      const body = { class: 'validation_scores', to: ['orgA'], elements: 1, value: null };
      const entry = { kind: 'disclosure', task: header.task, seq: 0, attempt: 1, body };
      check.entry({ index: 0, entry } as unknown as EntryLine);
      check.end();
      return findings.listed.map(({ reason }) => reason);
    };
    deepEqual(foundWith('orgA', 'orgB'), ['session_missing']);
    deepEqual(foundWith('orgA'), []);
    deepEqual(foundWith('orgB'), []);
    deepEqual(foundWith(), []);
  });
});

describe('verification of what ran', () => {
  it('finds openings in an attempt that had no session', async () => {
    const task = await auditedTask();
    const scores = { class: 'validation_scores', to: ['orgA'], elements: 200, value: null };
    await task.a.trail.record('disclosure', { task: task.taskId, attempt: 2 }, scores);
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    deepEqual(reasonsOf(await verify(lines, [task.a, task.b])), ['session_missing']);
  });

  it('finds a session of a party with itself, which is none', async () => {
    const task = await auditedTask();
    const at = { task: task.taskId, attempt: 2 };
    await task.a.trail.record('session_opened', at, {
      peer: 'orgA',
      fingerprint: task.a.signer.fingerprint,
      session: '5e'.repeat(32),
      transcript: '00'.repeat(32),
      certificate: certificateDigest(task.certificate),
      checkpoint: '00'.repeat(32),
      implementation: task.contract.algorithm.implementation,
    });
    const scores = { class: 'validation_scores', to: ['orgA'], elements: 200, value: null };
    await task.a.trail.record('disclosure', at, scores);
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    const reasons = reasonsOf(await verify(lines, [task.a, task.b]));
    deepEqual(reasons, ['session_missing', 'session_unbound']);
  });

  it('finds a session of another agreement, another code, and other data', async () => {
    const zeros = '00'.repeat(32);
    const other = await reasonsWith({ sessionOpened: () => ({ certificate: zeros }) });
    deepEqual(other, ['session_unbound']);
    const code = await reasonsWith({ sessionOpened: () => ({ implementation: zeros }) });
    deepEqual(code, ['implementation_differs']);
    for (const dataAccess of [{ commitment: zeros }, { commitment: null }, { rows: 1001 }]) {
      deepEqual(await reasonsWith({ dataAccess }), ['dataset_differs']);
    }
    for (const implementation of [zeros, null]) {
      deepEqual(await reasonsWith({ implementation }), ['implementation_differs']);
    }
  });

  it('finds a phase receipt that was never logged', async () => {
    const reasons = await reasonsWith({
      statement: (_, statement) => (statement.step === 2 ? null : statement),
    });
    deepEqual(reasons, ['receipt_missing']);
    const twice = await reasonsWith({
      statement: (_, statement) => (statement.step === 2 ? { ...statement, number: 1 } : statement),
    });
    deepEqual(twice, ['receipt_broken', 'receipt_missing']);
  });

  it('finds phase receipts that do not continue each other, or are missing at the end', async () => {
    const back = await reasonsWith({
      statement: (_, statement) =>
        statement.phase === 'training' && statement.step === 2
          ? { ...statement, frames: 3 }
          : statement,
    });
    deepEqual(back, ['receipt_broken']);
    const other = await reasonsWith({
      statement: (_, statement) =>
        statement.step === 2 ? { ...statement, frames: 14, bytes: 1400 } : statement,
    });
    deepEqual(other, ['receipt_broken']);
    const none = await reasonsWith({
      statement: (_, statement) => (statement.last ? null : statement),
    });
    deepEqual(none, ['receipt_missing']);
    const beyond = await reasonsWith({
      statement: (_, statement) => (statement.last ? { ...statement, frames: 999 } : statement),
    });
    deepEqual(beyond, ['receipt_broken']);
    const longer = await reasonsWith({
      statement: (_, statement) => (statement.last ? { ...statement, bytes: 99_999 } : statement),
    });
    deepEqual(longer, ['receipt_broken']);
  });

  it('finds a phase receipt that the other party did not sign', async () => {
    const { task, lines } = await exported();
    const forger = evidenceParty('orgB', 9);
    const report = await verify(lines, [task.a, forger]);
    ok(reasonsOf(report).includes('receipt_forged'));
  });

  it('finds an opening that the contract does not name', async () => {
    const value = 'ee'.repeat(32);
    const labels = { class: 'labels', to: ['orgB'], elements: 10, value };
    deepEqual(await reasonsWith({ disclosures: [labels] }), ['undeclared_disclosure']);
    const toOther = { class: 'validation_scores', to: ['orgB'], elements: 0, value };
    deepEqual(await reasonsWith({ disclosures: [toOther] }), ['undeclared_disclosure']);
  });

  it('finds more openings than the contract allows', async () => {
    const more = { class: 'validation_scores', to: ['orgA'], elements: 1, value: null };
    deepEqual(await reasonsWith({ disclosures: [more] }), ['excess_disclosure']);
  });
});
