import { deepEqual, equal, rejects } from 'node:assert/strict';
import { join } from 'node:path';
import { AuditLog } from '../../../src/party/audit/audit-log.ts';
import { auditService } from '../../../src/party/audit/audit-service.ts';
import { decodeEntry } from '../../../src/party/audit/entry.ts';
import { partyKey, trustedKeys } from '../../../src/party/audit/evidence/keys.ts';
import { verifyBundle } from '../../../src/party/audit/evidence/verify.ts';
import { logKey, verifyLogKey } from '../../../src/party/audit/log-key.ts';
import { leafHash } from '../../../src/party/audit/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../../src/party/audit/merkle-proof.ts';
import { cosigner, noteVerifier, rawPublicKey } from '../../../src/party/audit/note-key.ts';
import {
  COSIGNATURE_V1,
  formatVerifierKey,
  parseNote,
  signatureBy,
  withSignature,
} from '../../../src/party/audit/signed-note.ts';
import { storedEvidence } from '../../../src/party/audit/stored-evidence.ts';
import { trailInto } from '../../../src/party/audit/trail.ts';
import { consensusRecords } from '../../../src/party/consensus/records.ts';
import type { AuditService } from '../../../src/party/http/services.ts';
import { createIdentity, type Identity } from '../../../src/party/identity.ts';
import { Store } from '../../../src/party/store.ts';
import { SAMPLE_BODIES } from '../../support/audit-entries.ts';
import { NOW, sampleContract, testIdentity } from '../../support/contracts.ts';
import { keysText, newLogKey } from '../../support/evidence.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const CALLER = { id: 'token-1', role: 'auditor' } as const;
const PLAIN = { openings: false, unclosed: false };
const TASK = 'ab'.repeat(32);
const WITNESS = 'regulator.example';

interface Served {
  readonly service: AuditService;
  readonly log: AuditLog;
  readonly record: () => Promise<number>;
  readonly recordOf: (task: string) => Promise<number>;
  /** A checkpoint with the regulator's cosignature. */
  readonly cosigned: () => Promise<string>;
  readonly witnessKey: string;
  /** Whether tasks count as decided, and which ones the parties were asked about. */
  readonly closing: { decided: boolean; readonly asked: string[]; onAsked: () => void };
}

describe('audit service', () => {
  let identity: Identity;
  before(async () => {
    identity = await createIdentity('orgA');
  });

  const withService = (use: (served: Served) => Promise<void>): Promise<void> =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      const key = logKey(identity, newLogKey(), () => NOW);
      const log = await AuditLog.open({ folder: join(directory, 'audit') }, { store, key });
      const rng = seededRng(3);
      const trail = trailInto(log, { now: () => NOW, rng });
      const records = consensusRecords(store, () => NOW);
      const { certificate: own } = key;
      const salts = { saltOf: async () => undefined };
      const source = { identity, peers: () => [], store, records, log, logKey: own, trail, salts };
      const closing: Served['closing'] = { decided: false, asked: [], onAsked: () => undefined };
      const { signer } = testIdentity('orgA');
      const contract = sampleContract([signer, testIdentity('orgB').signer]);
      const evidence = {
        ...storedEvidence(source),
        isDecided: async () => closing.decided,
        contract: async () => (closing.decided ? contract : null),
      };
      const pinned = trustedKeys([keysText([partyKey('orgA', identity.certificatePem)])]);
      const witness = newLogKey();
      const publicKey = rawPublicKey(witness);
      const verifierKey = { name: WITNESS, type: COSIGNATURE_V1, publicKey };
      const service = auditService({
        evidence,
        log,
        verifiers: verifyLogKey('orgA', pinned.find('orgA')!, own),
        witnesses: new Map([['regulator', noteVerifier(verifierKey)]]),
        store,
        exchangeReceipts: async (task) => {
          closing.asked.push(task);
          closing.onAsked();
        },
      });
      try {
        await use({
          closing,
          service,
          log,
          record: () => trail.record('policy', {}, SAMPLE_BODIES.policy),
          recordOf: (task) => trail.record('error', { task }, SAMPLE_BODIES.error),
          cosigned: async () => {
            const { note } = await service.checkpoint();
            const line = signatureBy(
              cosigner(WITNESS, witness, () => 1),
              parseNote(note).text,
            );
            return withSignature(note, line);
          },
          witnessKey: formatVerifierKey(verifierKey),
        });
      } finally {
        await log.close();
        await store.close();
      }
    });

  it('gives entries with proofs that lead to its checkpoint', () =>
    withService(async ({ service, record, recordOf }) => {
      for (let i = 0; i < 5; i++) await record();
      const { size, root } = await service.checkpoint();
      equal(size, 5);
      const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
      const entries = await service.entries(0, 100);
      deepEqual(
        entries.map(({ index }) => index),
        [0, 1, 2, 3, 4],
      );
      for (const { index, entry } of entries) {
        const proof: readonly Uint8Array[] = (await service.inclusion(index, size)).map(bytes);
        equal(verifyInclusion(index, size, leafHash(entry), bytes(root), proof), true);
      }
      await record();
      const next = await service.checkpoint();
      const path = (await service.consistency(5, 6)).map(bytes);
      equal(verifyConsistency(5, 6, bytes(root), bytes(next.root), path), true);
      deepEqual(await service.entries(6, 10), []);
      deepEqual((await service.entries(4, 1)).length, 1);
      deepEqual(await service.entries(0, 10, TASK), []);
      await recordOf(TASK);
      await recordOf(TASK);
      const ofTask = async (from: number, limit: number): Promise<number[]> =>
        (await service.entries(from, limit, TASK)).map(({ index }) => index);
      deepEqual([await ofTask(0, 10), await ofTask(7, 10), await ofTask(0, 1)], [[6, 7], [7], [6]]);
      for (const wrong of [
        service.inclusion(8, 8),
        service.inclusion(0, 9),
        service.inclusion(2, 2),
        service.consistency(3, 2),
        service.consistency(1, 9),
      ]) {
        await rejects(wrong, { code: 'INVALID_REQUEST' });
      }
    }));

  it('exports as the caller, and a task only that there is', () =>
    withService(async ({ service, record, log }) => {
      await record();
      const lines: string[] = [];
      for await (const line of await service.logBundle(CALLER)) lines.push(line);
      const trusted = trustedKeys([keysText([partyKey('orgA', identity.certificatePem)])]);
      const report = await verifyBundle([Buffer.from(lines.join(''))], trusted);
      deepEqual(report.findings, []);
      equal(report.entries, log.size);
      equal(
        lines.some((line) => line.includes('"actor":{"id":"token-1","via":"http"}')),
        true,
      );
      const none = service.taskBundle(TASK, CALLER, PLAIN);
      await rejects(none, { code: 'NOT_FOUND' });
    }));

  it('asks the other parties again before it says that a task is still being closed', () =>
    withService(async ({ service, recordOf, closing, log }) => {
      await recordOf(TASK);
      closing.decided = true;
      await rejects(service.taskBundle(TASK, CALLER, PLAIN), {
        code: 'CONFLICT',
        message: /still being closed by orgA: .* \(unclosed=true\)$/,
        retryAfterSec: 2,
      });
      deepEqual(closing.asked, [TASK]);
      equal(log.size, 1);
      const lines: string[] = [];
      const options = { openings: false, unclosed: true };
      for await (const line of await service.taskBundle(TASK, CALLER, options)) lines.push(line);
      equal(lines.filter((line) => line.includes('"awaited":["orgA"]')).length, 1);
      closing.onAsked = () => {
        closing.decided = false; // as if what was missing had come
      };
      for await (const line of await service.taskBundle(TASK, CALLER, PLAIN)) lines.push(line);
      deepEqual(closing.asked, [TASK, TASK]);
    }));

  it('takes checkpoints that a witness cosigned, and shows them in evidence', () =>
    withService(async ({ service, record, cosigned, witnessKey }) => {
      await record();
      const first = await cosigned();
      deepEqual(await service.cosign(first), { size: 1, witnesses: ['regulator'] });
      await record();
      const second = await cosigned();
      deepEqual(await service.cosign(second), { size: 3, witnesses: ['regulator'] });
      await rejects(service.cosign(first), { code: 'CONFLICT' });
      const lines: string[] = [];
      for await (const line of await service.logBundle(CALLER)) lines.push(line);
      const file = JSON.parse(keysText([partyKey('orgA', identity.certificatePem)])) as object;
      const witnesses = [{ name: 'regulator', key: witnessKey }];
      const trusted = trustedKeys([JSON.stringify({ ...file, witnesses })]);
      const report = await verifyBundle([Buffer.from(lines.join(''))], trusted);
      deepEqual(report.findings, []);
      deepEqual(
        report.confirmed.map(({ witness, size, time }) => [witness, size, time]),
        [['regulator', 3, '1970-01-01T00:00:01.000Z']],
      );
    }));

  it('keeps of a cosigned note what was verified, whatever else the caller adds', () =>
    withService(async ({ service, record, cosigned, log }) => {
      await record();
      const good = await cosigned();
      const stranger = cosigner('else.example', newLogKey(), () => 1);
      let padded = good;
      for (let i = 0; i < 60; i++) {
        padded = withSignature(
          padded,
          signatureBy({ ...stranger, keyId: i }, parseNote(good).text),
        );
      }
      await service.cosign(padded);
      const entry = decodeEntry(await log.entry(log.size - 1));
      equal(entry.kind === 'checkpoint_exchange' && entry.body.own?.note, good);
    }));

  it('refuses what no witness cosigned, or what this log did not sign', () =>
    withService(async ({ service, record, cosigned }) => {
      await record();
      const { note } = await service.checkpoint();
      const good = await cosigned();
      const stranger = signatureBy(
        cosigner('else.example', newLogKey(), () => 1),
        parseNote(note).text,
      );
      const lines = good.split('\n');
      for (const wrong of [
        note,
        withSignature(note, stranger),
        'nothing\n',
        good.replace(/\n1\n/, '\n2\n'),
        lines.toSpliced(4, 1).join('\n'),
        good.slice(0, -8),
      ]) {
        await rejects(service.cosign(wrong), { code: 'INVALID_REQUEST' }, wrong);
      }
    }));
});
