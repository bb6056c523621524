import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { KEYS_FORMAT, partyKey, trustedKeys } from '../../../../src/party/audit/evidence/keys.ts';
import { ED25519, formatVerifierKey } from '../../../../src/party/audit/signed-note.ts';
import { createIdentity, type Identity } from '../../../../src/party/identity.ts';
import { NOT_CANONICAL, NOT_ON_CURVE, TORSION } from '../../../vectors/rfc8032.ts';

const keysFile = (parties: unknown, witnesses?: unknown): string =>
  JSON.stringify({ format: KEYS_FORMAT, parties, ...(witnesses !== undefined && { witnesses }) });

describe('trusted keys', () => {
  let identity: Identity;
  let stranger: Identity;
  before(async () => {
    [identity, stranger] = await Promise.all([createIdentity('orgA'), createIdentity('orgA')]);
  });
  const entryOf = ({ name, certificatePem }: Identity) => partyKey(name, certificatePem);

  it('are those of identities: their fingerprints, and what they sign', () => {
    const entry = entryOf(identity);
    equal(entry.fingerprint, identity.fingerprint);
    const key = trustedKeys([keysFile([entry])]).find('orgA')!;
    equal(key.fingerprint, identity.fingerprint);
    const message = Buffer.from('message');
    const signature = identity.sign('domain/v1', message);
    ok(key.verify('domain/v1', message, signature));
    ok(!key.verify('domain/v2', message, signature));
    ok(!key.verify('domain/v1', Buffer.from('other'), signature));
    ok(!key.verify('domain/v1', message, stranger.sign('domain/v1', message)));
    ok(!key.verify('domain/v1', message, signature.subarray(0, 63)));
    equal(trustedKeys([keysFile([entry])]).find('orgB'), undefined);
  });

  it('come from several files that agree', () => {
    const entry = entryOf(identity);
    const other = { ...entryOf(stranger), name: 'orgB' };
    const keys = trustedKeys([keysFile([entry]), keysFile([entry, other])]);
    deepEqual(
      ['orgA', 'orgB'].map((name) => keys.find(name)?.fingerprint),
      [identity.fingerprint, stranger.fingerprint],
    );
    throws(() => trustedKeys([keysFile([entry]), keysFile([entryOf(stranger)])]), {
      code: 'malformed_keys',
    });
  });

  it('know witnesses by their verifier keys', () => {
    const publicKey = new Uint8Array(Buffer.from(entryOf(identity).publicKey, 'hex'));
    const key = formatVerifierKey({ name: 'regulator.example/w', type: ED25519, publicKey });
    const { witnesses } = trustedKeys([keysFile([], [{ name: 'regulator', key }])]);
    equal(witnesses.get('regulator')?.name, 'regulator.example/w');
    const other = new Uint8Array(Buffer.from(entryOf(stranger).publicKey, 'hex'));
    const another = formatVerifierKey({
      name: 'regulator.example/w',
      type: ED25519,
      publicKey: other,
    });
    const file = (...each: string[]): string =>
      keysFile(
        [],
        each.map((text) => ({ name: 'regulator', key: text })),
      );
    trustedKeys([file(key, key)]);
    const small = new Uint8Array(Buffer.from(TORSION[1]!, 'hex'));
    const torsion = formatVerifierKey({ name: 'w', type: ED25519, publicKey: small });
    for (const bad of [file(`${key}x`), file(key, another), file(torsion)]) {
      throws(() => trustedKeys([bad]), { code: 'malformed_keys' }, bad);
    }
  });

  it('are refused when a file is not what it should be', () => {
    const entry = entryOf(identity);
    const cases = [
      '',
      'null',
      '{}',
      keysFile([{ name: 'orgA' }]),
      keysFile([{ ...entry, publicKey: entry.publicKey.slice(1) }]),
      keysFile([{ ...entry, publicKey: entry.publicKey.toUpperCase() }]),
      keysFile([{ ...entry, fingerprint: '00'.repeat(32) }]),
      ...[...TORSION, ...NOT_ON_CURVE, ...NOT_CANONICAL].map((publicKey) =>
        keysFile([{ name: 'orgA', publicKey }]),
      ),
      `${keysFile([entry])}${' '.repeat(1 << 20)}`,
      keysFile([{ ...entry, more: 1 }]),
      keysFile([{ ...entry, name: 'org A' }]),
      keysFile([entry]).replace('v1', 'v2'),
    ];
    for (const text of cases) throws(() => trustedKeys([text]), { code: 'malformed_keys' }, text);
  });
});
