import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  cosignatureTime,
  cosigner,
  noteSigner,
  noteVerifier,
  rawPublicKey,
} from '../../../src/party/audit/note-key.ts';
import {
  COSIGNATURE_V1,
  ED25519,
  openNote,
  parseNote,
  parseVerifierKey,
  signatureBy,
  signNote,
  withSignature,
} from '../../../src/party/audit/signed-note.ts';
import { NOT_CANONICAL, NOT_ON_CURVE, TORSION } from '../../vectors/rfc8032.ts';
import {
  COSIGNATURE_TIME,
  COSIGNED_EXAMPLE,
  PUBLIC_CHECKPOINT,
} from '../../vectors/signed-notes.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = rawPublicKey(privateKey);
const TEXT = 'test\n123\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n';
const TIME = 1_700_000_000;

const signer = noteSigner('test', privateKey);
const witness = cosigner('witness', privateKey, () => TIME);
const verifier = noteVerifier({ name: 'test', type: ED25519, publicKey });
const witnessVerifier = noteVerifier({ name: 'witness', type: COSIGNATURE_V1, publicKey });

describe('cosignature', () => {
  it('of public witnesses of a public log verifies', () => {
    const { note, witnessKeys, time } = PUBLIC_CHECKPOINT;
    const known = witnessKeys.map((key) => noteVerifier(parseVerifierKey(key)));
    const { verified, ignored } = openNote(note, known);
    deepEqual([verified.length, ignored.length], [4, 2]);
    for (const { name, bytes } of verified) equal(cosignatureTime(bytes), time, name);
    for (const key of witnessKeys) {
      const one = [noteVerifier(parseVerifierKey(key))];
      throws(() => openNote(note.replace('1432088532', '1432088533'), one), {
        code: 'bad_signature',
      });
    }
  });

  it('has the time that the published examples state', () => {
    const { line, time, other } = COSIGNATURE_TIME;
    equal(cosignatureTime(Buffer.from(line, 'base64').subarray(4)), time);
    equal(cosignatureTime(Buffer.from(other, 'base64').subarray(4)), undefined);
    const { signatures } = parseNote(COSIGNED_EXAMPLE.note);
    equal(cosignatureTime(signatures[1]!.bytes), COSIGNED_EXAMPLE.time);
    equal(cosignatureTime(signatures[0]!.bytes), undefined);
  });

  it('covers the time, every line of the text and nothing of the other signatures', () => {
    const note = withSignature(signNote(TEXT, signer), signatureBy(witness, TEXT));
    const known = [verifier, witnessVerifier];
    equal(openNote(note, known).verified.length, 2);
    const extended = `${TEXT}Extendo\n`;
    const line = signatureBy(witness, extended);
    ok(witnessVerifier.verify(extended, line.bytes));
    ok(!witnessVerifier.verify(extended.replace('Extendo', 'extendo'), line.bytes));
    for (let i = 0; i < line.bytes.length; i++) {
      const bytes = Uint8Array.from(line.bytes);
      bytes[i]! ^= 1;
      ok(!witnessVerifier.verify(extended, bytes), `byte ${i}`);
    }
    for (const length of [0, 7, 8, 71]) {
      ok(!witnessVerifier.verify(extended, line.bytes.slice(0, length)), `${length} bytes`);
    }
    ok(!witnessVerifier.verify(extended, line.bytes.subarray(1)));
  });

  it('is no note signature of the same key, nor the other way round', () => {
    const cosigned = signatureBy(witness, TEXT);
    ok(!verifier.verify(TEXT, cosigned.bytes.subarray(8)));
    ok(
      !witnessVerifier.verify(
        TEXT,
        Buffer.concat([cosigned.bytes.subarray(0, 8), signer.sign(TEXT)]),
      ),
    );
    const asWitness = { name: 'test', type: COSIGNATURE_V1, publicKey };
    ok(noteVerifier(asWitness).keyId !== verifier.keyId);
  });
});

describe('note key', () => {
  it('refuses keys of other types and lengths', () => {
    for (const type of [0, 2, 3, 5, 255]) {
      throws(() => noteVerifier({ name: 'a', type, publicKey }), { code: 'malformed_note' });
    }
    for (const short of [publicKey.subarray(1), new Uint8Array(33), new Uint8Array()]) {
      throws(() => noteVerifier({ name: 'a', type: ED25519, publicKey: short }), {
        code: 'malformed_note',
      });
    }
  });

  it('refuses keys of small order, off the curve or not canonical', () => {
    for (const bad of [...TORSION, ...NOT_ON_CURVE, ...NOT_CANONICAL]) {
      const key = new Uint8Array(Buffer.from(bad, 'hex'));
      throws(
        () => noteVerifier({ name: 'a', type: ED25519, publicKey: key }),
        { code: 'malformed_note' },
        bad,
      );
    }
  });
});
