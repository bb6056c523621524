import { equal, ok } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { AuditLog } from '../../../src/party/audit/audit-log.ts';
import { Frontier, leafHash } from '../../../src/party/audit/merkle.ts';
import { verifyConsistency, verifyInclusion } from '../../../src/party/audit/merkle-proof.ts';
import { noteSigner } from '../../../src/party/audit/note-key.ts';
import { Store } from '../../../src/party/store.ts';
import { crashRepeatedly } from '../../support/audit-log-crashes.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const MILLION = 1_000_000;
const CALL = 1000;

/** Of the usual size of an entry. */
const bytes = (i: number): Uint8Array => Buffer.from(`${'x'.repeat(600)} ${i}`);

describe('audit log, at length', () => {
  it('loses nothing acknowledged when it is killed at 50 moments', () =>
    withTemporaryDirectory((folder) => crashRepeatedly(folder, 50, 1000)));

  it('reopens with a million entries in a second, and checks them in a minute', () =>
    withTemporaryDirectory(async (directory) => {
      const key = {
        origin: 'log',
        checkpoints: noteSigner('log', generateKeyPairSync('ed25519').privateKey),
      };
      const folder = join(directory, 'audit');
      let store = await Store.open(join(directory, 'store'));
      let log = await AuditLog.open({ folder }, { store, key });
      for (let start = 0; start < MILLION; start += 4 * CALL) {
        const calls = Array.from({ length: 4 * CALL }, (_, i) =>
          log.append([{ task: null, bytes: bytes(start + i) }]),
        );
        await Promise.all(calls);
      }
      await log.checkpoint();
      await log.close();
      await store.close();

      store = await Store.open(join(directory, 'store'));
      const opening = performance.now();
      log = await AuditLog.open({ folder }, { store, key });
      const openMs = performance.now() - opening;
      const { size, root } = log.head();
      equal(size, MILLION);

      const checking = performance.now();
      const frontier = Frontier.empty();
      for await (const entry of log.entries(0, size)) frontier.append(leafHash(entry));
      const checkMs = performance.now() - checking;
      equal(Buffer.compare(frontier.root(), root), 0);

      for (let i = 0; i < MILLION; i += 99_991) {
        ok(verifyInclusion(i, size, leafHash(bytes(i)), root, await log.inclusionProof(i, size)));
        const proof = await log.consistencyProof(i, size);
        ok(verifyConsistency(i, size, await log.rootOf(i), root, proof));
      }
      await store.close();
      ok(openMs < 1000, `opened in ${openMs} ms`);
      ok(checkMs < 60_000, `checked in ${checkMs} ms`);
    }));
});
