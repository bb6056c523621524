import { deepEqual, equal, match, notDeepEqual, rejects, throws } from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  createIdentity,
  type Identity,
  loadIdentity,
  saveIdentity,
  verifySignature,
} from '../../src/party/identity.ts';

const MESSAGE = Buffer.from('message');

describe('identity', () => {
  let identity: Identity;
  let dir: string;

  before(async () => {
    identity = await createIdentity('orgA');
  });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'entente-identity-'));
  });

  afterEach(() => rm(dir, { recursive: true }));

  it('certifies its own key and names the party twice', () => {
    const certificate = new X509Certificate(identity.certificatePem);
    equal(certificate.verify(certificate.publicKey), true);
    equal(certificate.publicKey.asymmetricKeyType, 'ed25519');
    equal(certificate.subjectAltName, 'URI:entente:party:orgA, DNS:orga.entente.internal');
    equal(certificate.ca, false);
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    equal(identity.fingerprint, createHash('sha256').update(spki).digest('hex'));
  });

  it('signs under a domain, and under no other', () => {
    const signature = identity.sign('entente/x', MESSAGE);
    const verify = (domain: string, message: Uint8Array): boolean =>
      verifySignature(identity.certificatePem, domain, message, signature);
    equal(verify('entente/x', MESSAGE), true);
    equal(verify('entente/y', MESSAGE), false);
    equal(verify('entente/xm', MESSAGE.subarray(1)), false);
    equal(verify('entente/x', Buffer.from('massage')), false);
    throws(() => identity.sign('', MESSAGE), TypeError);
  });

  it('verifies no signature of another key, nor of another length', async () => {
    const other = await createIdentity('orgA');
    const signature = other.sign('d', MESSAGE);
    equal(verifySignature(identity.certificatePem, 'd', MESSAGE, signature), false);
    equal(verifySignature(other.certificatePem, 'd', MESSAGE, signature.subarray(1)), false);
    equal(verifySignature(other.certificatePem, 'd', MESSAGE, new Uint8Array(0)), false);
  });

  it('survives its files', async () => {
    await saveIdentity(dir, identity);
    const loaded = await loadIdentity(dir);
    equal(loaded.name, 'orgA');
    equal(loaded.fingerprint, identity.fingerprint);
    deepEqual(loaded.sign('d', MESSAGE), identity.sign('d', MESSAGE));
    equal((await stat(join(dir, 'identity.key'))).mode & 0o777, 0o600);
  });

  it('overwrites no identity', async () => {
    await saveIdentity(dir, identity);
    await rejects(saveIdentity(dir, await createIdentity('orgB')), { code: 'EEXIST' });
    equal((await loadIdentity(dir)).name, 'orgA');
  });

  it('refuses a key file that others can read', async () => {
    await saveIdentity(dir, identity);
    await chmod(join(dir, 'identity.key'), 0o640);
    await rejects(loadIdentity(dir), /identity\.key .*chmod 600/);
  });

  it('refuses a certificate of another key', async () => {
    await saveIdentity(dir, identity);
    const other = await createIdentity('orgA');
    await writeFile(join(dir, 'identity.crt'), other.certificatePem);
    await rejects(loadIdentity(dir), TypeError);
  });

  it('seals its key with a passphrase', async () => {
    await saveIdentity(dir, identity, { passphrase: 'correct horse' });
    match(await readFile(join(dir, 'identity.key'), 'utf8'), /ENCRYPTED PRIVATE KEY/);
    equal((await loadIdentity(dir, { passphrase: 'correct horse' })).name, 'orgA');
    await rejects(loadIdentity(dir), /passphrase/);
    await rejects(loadIdentity(dir, { passphrase: 'wrong' }), /passphrase/);
  });

  it('prints no secret', () => {
    equal(inspect(identity), '[secret]');
    equal(JSON.stringify({ identity }), '{"identity":"[secret]"}');
    equal(inspect({ deep: { identity } }).includes('PRIVATE'), false);
  });

  it('makes a new key each time', async () => {
    notDeepEqual((await createIdentity('orgA')).fingerprint, identity.fingerprint);
  });

  for (const name of [
    '',
    '-a',
    'a-',
    'a b',
    'a.b',
    'ä',
    'x'.repeat(64),
    'a, URI:entente:party:b',
  ]) {
    it(`refuses the name ${JSON.stringify(name)}`, () => rejects(createIdentity(name), TypeError));
  }
});
