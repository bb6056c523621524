import { deepEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { AuditLog } from '../../../src/party/audit/audit-log.ts';
import type { OpeningLine } from '../../../src/party/audit/evidence/bundle.ts';
import { logKey } from '../../../src/party/audit/log-key.ts';
import {
  type StoredEvidenceDeps,
  storedEvidence,
} from '../../../src/party/audit/stored-evidence.ts';
import { trailInto } from '../../../src/party/audit/trail.ts';
import type { Offer } from '../../../src/party/consensus/offers.ts';
import type { DisclosureRecord } from '../../../src/party/disclosure-ledger.ts';
import { createIdentity } from '../../../src/party/identity.ts';
import { Store, storeKey } from '../../../src/party/store.ts';
import { SAMPLE_BODIES } from '../../support/audit-entries.ts';
import { NOW, sampleContract, testIdentity } from '../../support/contracts.ts';
import { newLogKey } from '../../support/evidence.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const TASK = 'ab'.repeat(32);
const hex = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32);

describe('stored evidence', () => {
  it('opens what this party voted on: its own file, results and values that it reads, no others', () =>
    withTemporaryDirectory(async (directory) => {
      const identity = await createIdentity('orgA');
      const store = await Store.open(join(directory, 'store'));
      const key = logKey(identity, newLogKey(), () => NOW);
      const log = await AuditLog.open({ folder: join(directory, 'audit') }, { store, key });
      const trail = trailInto(log, { now: () => NOW, rng: seededRng(5) });
      const table = store.table<DisclosureRecord>('disclosures');
      const indices: number[] = [];
      for (const [seq, to] of [['orgB'], ['orgA', 'orgB'], ['orgA']].entries()) {
        const value = { commitment: hex(seq + 1), salt: hex(seq + 101) };
        const terms = { class: 'weights', to, elements: 1 };
        const row = { ...terms, taskId: TASK, attempt: 1, seq, value, time: '' };
        const write = table.put(storeKey(TASK, seq), row);
        const body = { ...terms, value: value.commitment };
        const scope = { task: TASK, attempt: 1 };
        indices.push(await trail.record('disclosure', scope, body, () => [write]));
      }
      const { delivery, result } = SAMPLE_BODIES;
      const delivered = { ...delivery, value: hex(50) };
      const index = await trail.record('delivery', { task: TASK }, delivered);
      await trail.record('delivery', { task: TASK }, { ...delivery, value: hex(51) });
      const { receipt } = result;
      for (const signer of ['orgA', 'orgB']) {
        const body = { ...receipt.body, taskId: TASK, signer };
        const signed = { ...result, receipt: { ...receipt, body } };
        await trail.record('result', { task: TASK, attempt: 1 }, signed);
      }
      const signers = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
      const contract = sampleContract(signers);
      const offers = store.table<Offer>('offers');
      const parties = contract.parties.map((party, i) => {
        const dataset = { ...party.dataset!, commitment: hex(70 + i) };
        return { ...party, dataset };
      });
      for (const [i, { dataset }] of parties.entries()) {
        const offer = { terms: dataset, salt: hex(80 + i), digest: hex(90 + i), model: null };
        await store.write(offers.put(dataset.commitment, offer));
      }
      const opened: string[] = [];
      const records = {
        find: async () => ({ contract: { ...contract, parties } }),
        certificate: async () => undefined,
        vote: async () => undefined,
        opening: async (task: string, attempt: number, field: string) => {
          opened.push(`${task === TASK} ${attempt} ${field}`);
          return field === 'model' ? { salt: hex(7), digest: hex(8) } : undefined;
        },
      } as unknown as StoredEvidenceDeps['records'];
      const salts = {
        saltOf: async (commitment: string) => (commitment === hex(50) ? hex(60) : undefined),
      };
      const logKeyOf = key.certificate;
      const source = { identity, peers: () => [], store, records, log, logKey: logKeyOf, trail };
      const lines: OpeningLine[] = [];
      for await (const line of storedEvidence({ ...source, salts }).openings(TASK))
        lines.push(line);
      deepEqual(lines, [
        { line: 'opening', of: 'dataset', salt: hex(80), digest: hex(90) },
        { line: 'opening', of: 'value', index: indices[1], salt: hex(102) },
        { line: 'opening', of: 'value', index: indices[2], salt: hex(103) },
        { line: 'opening', of: 'value', index, salt: hex(60) },
        {
          ...{ line: 'opening', of: 'result', attempt: 1, field: 'model' },
          ...{ salt: hex(7), digest: hex(8) },
        },
      ]);
      deepEqual(opened, ['true 1 model', 'true 1 metrics'], 'of its own result alone');
      await log.close();
      await store.close();
    }));
});
