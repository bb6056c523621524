import { deepEqual, equal, ok } from 'node:assert/strict';
import { signatureBy, withSignature } from '../../../../src/party/audit/signed-note.ts';
import { taskIdOf } from '../../../../src/party/consensus/contract-check.ts';
import { newParties } from '../../../support/audited-task.ts';
import { sampleContract } from '../../../support/contracts.ts';
import { evidenceParty, evidenceSource, resealed, taskBundle } from '../../../support/evidence.ts';
import { changedLines, exported, reasonsOf, verify } from '../../../support/verified-bundle.ts';

describe('verification of the head of a bundle', () => {
  it('accepts a confirmation of the very state that the bundle has', async () => {
    const { task, lines, trusted } = await exported();
    const { note } = await task.a.log.checkpoint();
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const seen = withSignature(note, signatureBy(task.b.key.cosignatures, text));
    const line = JSON.stringify({ line: 'cosigned', note: seen, witness: 'orgB' });
    const report = await verify(
      changedLines(lines, 'cosigned', () => line),
      trusted,
    );
    deepEqual(report.findings, []);
    equal(report.unconfirmedEntries, 0);
  });

  it('finds a cosignature that the counterparty did not make', async () => {
    const { task, lines, trusted } = await exported();
    const note = task.a.cosigned.get('orgB')!;
    const { note: other } = await task.a.log.checkpoint();
    const signature = note.trimEnd().split('\n').at(-1)!;
    const forged = `${other}${signature}\n`;
    const swapped = changedLines(lines, 'cosigned', () =>
      JSON.stringify({ line: 'cosigned', note: forged, witness: 'orgB' }),
    );
    ok(reasonsOf(await verify(swapped, trusted)).includes('cosignature_forged'));
  });

  it('finds a checkpoint that the log’s key did not sign', async () => {
    const { lines, trusted } = await exported();
    const [own] = newParties();
    own.log.rows.push(...trusted[0].log.rows);
    const foreign = await own.log.checkpoint();
    const swapped = changedLines(lines, 'checkpoint', () =>
      JSON.stringify({ line: 'checkpoint', note: foreign.note }),
    );
    deepEqual(reasonsOf(await verify(swapped, trusted)), ['wrong_key']);
  });

  it('finds a head that contradicts itself', async () => {
    const { lines, trusted } = await exported();
    const found = async (kind: string, change: (line: string) => string | null) => {
      const isOf = (line: string): boolean => line.includes(`"line":"${kind}"`);
      const other = resealed(lines.flatMap((line) => (isOf(line) ? (change(line) ?? []) : [line])));
      const { findings } = await verify(other, trusted);
      return findings.map(({ reason, where }) => `${reason}: ${where}`);
    };
    const of = (text: string, all: readonly string[]): void => ok(all.includes(text), all.join());
    const scope = (line: string): string => line.replace('"scope":"task"', '"scope":"all"');
    of('malformed_bundle: header', await found('header', scope));
    of('malformed_bundle: checkpoint', await found('checkpoint', () => null));
    of('contract_missing: contract', await found('contract', () => null));
    const empty = await found('contract', () => '{"contract":{},"line":"contract"}');
    of('malformed_bundle: contract', empty);
    const otherKey = (line: string): string =>
      line.replace(/"publicKey":"[0-9a-f]{64}"/, `"publicKey":"${'11'.repeat(32)}"`);
    deepEqual(await found('identity', otherKey), ['wrong_key: orgA', 'wrong_key: orgB']);
    const flipped = await found('checkpoint', (line) =>
      line.replace(
        /(.)(.{20}\\n")/,
        (_, c: string, rest: string) => `${c === 'A' ? 'B' : 'A'}${rest}`,
      ),
    );
    of('checkpoint_forged: the final checkpoint', flipped);
  });

  it('finds a log key that is not the party’s, also of a task that was not agreed', async () => {
    const parties = newParties();
    const [a, b] = parties;
    const task = taskIdOf(sampleContract([a.signer, b.signer]));
    const refusal = { party: 'orgB', from: 'orgB', step: 'prepare', code: 'refused' } as const;
    await a.trail.record('refusal', { task }, refusal);
    const source = evidenceSource(a, [b], null);
    deepEqual(reasonsOf(await verify(await taskBundle(source, task), [])), ['untrusted_party']);
    const stranger = evidenceParty('orgA', 9).key.certificate;
    for (const logKey of [stranger, b.key.certificate]) {
      const lines = await taskBundle({ ...source, logKey }, task);
      deepEqual(reasonsOf(await verify(lines, parties)), ['wrong_key']);
    }
    const unknown = { ...source, logKeys: async () => [evidenceParty('orgC', 9).key.certificate] };
    const contract = sampleContract([a.signer, b.signer]);
    const named = { ...unknown, contract: async () => contract };
    const lines = await taskBundle(named, task);
    deepEqual(reasonsOf(await verify(lines, parties)), [], 'whom nobody knows counts for nothing');
  });

  it('finds a key that is not the trusted one', async () => {
    const { task, lines } = await exported();
    const [, stranger] = newParties();
    const wrong = await verify(lines, [task.a, stranger]);
    deepEqual(reasonsOf(wrong), ['not_cosigned', 'receipt_forged', 'wrong_key']);
    const own = await verify(lines, [{ ...stranger, name: 'orgA' }, task.b]);
    ok(reasonsOf(own).includes('wrong_key'));
    const unknown = await verify(lines, [task.a]);
    deepEqual(reasonsOf(unknown), ['not_cosigned', 'untrusted_party']);
  });
});
