import { deepEqual, equal, rejects } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLogKeyFile } from '../../../src/party/audit/log-key-file.ts';
import { rawPublicKey } from '../../../src/party/audit/note-key.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const BAD = { name: 'AuditError', code: 'bad_log_key' };

describe('log key file', () => {
  it('is made once, for its owner alone, and read again', () =>
    withTemporaryDirectory(async (dir) => {
      const first = await openLogKeyFile(dir);
      const path = join(dir, 'log.key');
      equal(statSync(path).mode & 0o777, 0o600);
      deepEqual(rawPublicKey(await openLogKeyFile(dir)), rawPublicKey(first));
    }));

  it('is sealed with the passphrase', () =>
    withTemporaryDirectory(async (dir) => {
      const first = await openLogKeyFile(dir, { passphrase: 'secret' });
      equal(readFileSync(join(dir, 'log.key'), 'utf8').includes('ENCRYPTED'), true);
      const again = await openLogKeyFile(dir, { passphrase: 'secret' });
      deepEqual(rawPublicKey(again), rawPublicKey(first));
      await rejects(openLogKeyFile(dir, { passphrase: 'other' }), BAD);
      await rejects(openLogKeyFile(dir), BAD);
    }));

  it('refuses a file that others can read, no key, and a key of another kind', () =>
    withTemporaryDirectory(async (dir) => {
      const path = join(dir, 'log.key');
      await openLogKeyFile(dir);
      chmodSync(path, 0o640);
      await rejects(openLogKeyFile(dir), BAD);
      chmodSync(path, 0o600);
      writeFileSync(path, 'hello');
      await rejects(openLogKeyFile(dir), BAD);
      const { privateKey } = generateKeyPairSync('x25519');
      writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await rejects(openLogKeyFile(dir), BAD);
    }));

  it('is not made anew for a log that was signed before', () =>
    withTemporaryDirectory(async (dir) => {
      await rejects(openLogKeyFile(dir, {}, { isSigned: true }), BAD);
      deepEqual(readdirSync(dir), []);
      const first = await openLogKeyFile(dir);
      const again = await openLogKeyFile(dir, {}, { isSigned: true });
      deepEqual(rawPublicKey(again), rawPublicKey(first));
    }));
});
