import { deepEqual, equal, throws } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
} from '../../../src/party/audit/checkpoint.ts';
import { EMPTY_ROOT } from '../../../src/party/audit/merkle.ts';
import {
  cosigner,
  noteSigner,
  noteVerifier,
  rawPublicKey,
} from '../../../src/party/audit/note-key.ts';
import {
  COSIGNATURE_V1,
  ED25519,
  parseNote,
  parseVerifierKey,
  signatureBy,
  signNote,
  withSignature,
} from '../../../src/party/audit/signed-note.ts';
import { COSIGNED_EXAMPLE, PUBLIC_CHECKPOINT } from '../../vectors/signed-notes.ts';

const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
const MALFORMED = { name: 'AuditError', code: 'malformed_note' };

describe('checkpoint', () => {
  it('reads the published examples, and writes them byte for byte', () => {
    for (const { note, origin, size } of [COSIGNED_EXAMPLE, PUBLIC_CHECKPOINT]) {
      const { text } = parseNote(note);
      const checkpoint = parseCheckpoint(text);
      deepEqual([checkpoint.origin, checkpoint.size], [origin, size]);
      equal(formatCheckpoint(checkpoint), text);
    }
    const { signatures, text } = parseNote(COSIGNED_EXAMPLE.note);
    deepEqual(
      signatures.map(({ keyId }) => keyId),
      COSIGNED_EXAMPLE.keyIds,
    );
    deepEqual(Buffer.from(parseCheckpoint(text).root).toString('base64'), COSIGNED_EXAMPLE.root);
  });

  it('drops extension lines', () => {
    const { origin, size } = parseCheckpoint(`a log\n7\n${ROOT}\nmore\nand more\n`);
    deepEqual([origin, size], ['a log', 7]);
  });

  it('writes the empty tree', () => {
    const text = formatCheckpoint({ origin: 'log', size: 0, root: EMPTY_ROOT });
    equal(text, 'log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n');
    equal(parseCheckpoint(text).size, 0);
  });

  it('refuses malformed texts', () => {
    const cases = [
      '',
      'log\n',
      `log\n7\n`,
      `log\n7\n${ROOT}`,
      `\n7\n${ROOT}\n`,
      `log\n07\n${ROOT}\n`,
      `log\n-7\n${ROOT}\n`,
      `log\n+7\n${ROOT}\n`,
      `log\n7.0\n${ROOT}\n`,
      `log\n0x7\n${ROOT}\n`,
      `log\n 7\n${ROOT}\n`,
      `log\n\n${ROOT}\n`,
      `log\n9007199254740992\n${ROOT}\n`,
      `log\n7\n${ROOT.slice(0, -1)}\n`,
      `log\n7\n${ROOT.slice(4)}\n`,
      `log\n7\nAAAA${ROOT}\n`,
      `log\n7\n${ROOT.replace('=', '')}\n`,
      `log\n7\n${ROOT.replace('2I=', '2J=')}\n`,
      `log\n7\n${ROOT}\n\n`,
      `log\n7\n${ROOT}\n\nmore\n`,
    ];
    for (const text of cases) throws(() => parseCheckpoint(text), MALFORMED, JSON.stringify(text));
    throws(() => formatCheckpoint({ origin: 'a\nb', size: 1, root: EMPTY_ROOT }), MALFORMED);
    throws(() => formatCheckpoint({ origin: 'a', size: 1.5, root: EMPTY_ROOT }), MALFORMED);
    throws(() => formatCheckpoint({ origin: 'a', size: 1, root: new Uint8Array(31) }), MALFORMED);
  });
});

describe('opening a checkpoint', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { privateKey: other } = generateKeyPairSync('ed25519');
  const publicKey = rawPublicKey(privateKey);
  const log = noteVerifier({ name: 'log', type: ED25519, publicKey });
  const signer = noteSigner('log', privateKey);
  const witness = cosigner('witness', other, () => 5);
  const witnessKey = { name: 'witness', type: COSIGNATURE_V1, publicKey: rawPublicKey(other) };
  const text = formatCheckpoint({ origin: 'log', size: 0, root: EMPTY_ROOT });
  const note = signNote(text, signer);

  it('wants the log itself to have signed it, as the log it is', () => {
    const opened = openCheckpoint(note, 'log', [log]);
    deepEqual([opened.size, opened.verified.length], [0, 1]);
    const byWitness = signNote(text, witness);
    const known = [log, noteVerifier(witnessKey)] as const;
    throws(() => openCheckpoint(byWitness, 'log', known), { code: 'unknown_key' });
    throws(() => openCheckpoint(note, 'another', [log]), { code: 'unknown_key' });
    throws(() => openCheckpoint(signNote(text, noteSigner('log', other)), 'log', [log]), {
      code: 'unknown_key',
    });
    const sameName = { ...noteVerifier(witnessKey), name: 'log' };
    const namesake = signNote(text, { ...witness, name: 'log' });
    throws(() => openCheckpoint(namesake, 'log', [log, sameName]), { code: 'unknown_key' });
    const sameId = { ...noteVerifier(witnessKey), keyId: log.keyId };
    const double = signNote(text, { ...witness, keyId: log.keyId });
    throws(() => openCheckpoint(double, 'log', [log, sameId]), { code: 'unknown_key' });
    throws(() => openCheckpoint(signNote('hello\n', signer), 'log', [log]), MALFORMED);
  });

  it('tells which witnesses cosigned', () => {
    const cosigned = withSignature(note, signatureBy(witness, text));
    equal(openCheckpoint(cosigned, 'log', [log, noteVerifier(witnessKey)]).verified.length, 2);
    equal(openCheckpoint(cosigned, 'log', [log]).ignored[0]!.name, 'witness');
  });

  it('reads a public log with its public witnesses', () => {
    const { note, origin, size, logKey, witnessKeys } = PUBLIC_CHECKPOINT;
    const log = noteVerifier(parseVerifierKey(logKey));
    const witnesses = witnessKeys.map((key) => noteVerifier(parseVerifierKey(key)));
    const opened = openCheckpoint(note, origin, [log, ...witnesses]);
    deepEqual([opened.size, opened.verified.length, opened.ignored.length], [size, 5, 1]);
    const forged = note.replace(`${size}`, `${size + 1}`);
    throws(() => openCheckpoint(forged, origin, [log]), { code: 'bad_signature' });
  });
});
