import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { noteSigner, noteVerifier } from '../../../src/party/audit/note-key.ts';
import {
  formatNote,
  formatVerifierKey,
  MAX_NOTE_BYTES,
  MAX_SIGNATURES,
  type NoteVerifier,
  openNote,
  parseNote,
  parseVerifierKey,
  signatureBy,
  signNote,
  withSignature,
} from '../../../src/party/audit/signed-note.ts';
import { BAD_KEYS, C2SP_EXAMPLE, ENOCH, GO_TEXT, PETER, POEM } from '../../vectors/signed-notes.ts';

const verifierOf = (key: string): NoteVerifier => noteVerifier(parseVerifierKey(key));
const [peter, enoch] = [verifierOf(PETER.key), verifierOf(ENOCH.key)];
const peterNote = `${GO_TEXT}\n${PETER.line}`;
const bothNote = `${peterNote}${ENOCH.line}`;

const MALFORMED = { name: 'AuditError', code: 'malformed_note' };
const BAD_SIGNATURE = { name: 'AuditError', code: 'bad_signature' };
const UNKNOWN_KEY = { name: 'AuditError', code: 'unknown_key' };

/** PKCS #8 of an Ed25519 seed, RFC 8410. */
function peterSigner() {
  const seed = Buffer.from(PETER.privateKey.split('+').slice(4).join('+'), 'base64').subarray(1);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return noteSigner('PeterNeumann', key);
}

describe('signed note', () => {
  it('verifies the published notes', () => {
    const example = openNote(C2SP_EXAMPLE.note, C2SP_EXAMPLE.keys.map(verifierOf));
    equal(example.text, C2SP_EXAMPLE.text);
    const one = openNote(bothNote, [peter]);
    deepEqual([one.text, one.verified.length, one.ignored.length], [GO_TEXT, 1, 1]);
    deepEqual(one.ignored[0]!.name, 'EnochRoot');
    equal(openNote(bothNote, [peter, enoch]).verified.length, 2);
    equal(openNote(Buffer.from(bothNote), [enoch]).verified[0]!.keyId, 0xaf0cfe78);
  });

  it('writes the published notes byte for byte', () => {
    equal(signNote(GO_TEXT, peterSigner()), peterNote);
    for (const note of [C2SP_EXAMPLE.note, peterNote, bothNote, POEM]) {
      equal(formatNote(parseNote(note)), note);
    }
  });

  it('ends the text at the last empty line', () => {
    const { text, signatures } = parseNote(POEM);
    ok(text.endsWith('\n\ned è subito sera.\n'));
    equal(signatures[0]!.name, 'quasimodo.example/salvatore');
  });

  it('refuses a changed text and a changed signature of a known key', () => {
    throws(() => openNote(bothNote.replace('answer', 'Answer'), [peter]), BAD_SIGNATURE);
    const line = `${PETER.line.slice(0, 60)}ABCD${PETER.line.slice(60)}`;
    throws(() => openNote(`${GO_TEXT}\n${line}`, [peter]), BAD_SIGNATURE);
    throws(() => openNote(`${bothNote}${line}`, [peter]), BAD_SIGNATURE);
    equal(openNote(`${bothNote}${line}`, [enoch]).ignored.length, 2);
  });

  it('ignores keys that share only the name or only the id with a known one', () => {
    const sameName = { ...peter, keyId: peter.keyId + 1, verify: () => true };
    const sameId = { ...peter, name: 'PeterNeuman', verify: () => true };
    throws(() => openNote(peterNote, []), UNKNOWN_KEY);
    throws(() => openNote(peterNote, [enoch, sameName, sameId]), UNKNOWN_KEY);
    throws(() => openNote(peterNote, [peter, peter]), TypeError);
  });

  it('counts a repeated signature once', () => {
    const { verified, ignored } = openNote(`${peterNote}${PETER.line}${ENOCH.line}`, [peter]);
    deepEqual([verified.length, ignored.length], [1, 1]);
  });

  it('refuses malformed notes', () => {
    const cases: readonly (readonly [what: string, note: string | Uint8Array])[] = [
      ['no signatures', GO_TEXT],
      ['only an empty line', `${GO_TEXT}\n`],
      ['no empty line', `x${PETER.line}`],
      ['no last newline', peterNote.slice(0, -1)],
      ['another last character', `${peterNote.slice(0, -1)}x`],
      ['control character', `\x01${peterNote}`],
      ['carriage return', peterNote.replaceAll('\n', '\r\n')],
      ['broken UTF-8', Buffer.concat([Buffer.from([0xff]), Buffer.from(peterNote)])],
      ['lone surrogate', `\ud800${peterNote}`],
      ['name with a space', `${GO_TEXT}\n${PETER.line.replace('Peter', 'Peter ')}`],
      ['name with a no-break space', `${GO_TEXT}\n${PETER.line.replace('Peter', 'Peter\u00a0')}`],
      ['name with a plus', `${GO_TEXT}\n${PETER.line.replace('Peter', 'Peter+')}`],
      ['no name', `${GO_TEXT}\n${PETER.line.replace('PeterNeumann', '')}`],
      ['name too long', `${GO_TEXT}\n${PETER.line.replace('Peter', 'P'.repeat(257))}`],
      ['a name alone', `${GO_TEXT}\n— PeterNeumann\n`],
      ['a word more', `${GO_TEXT}\n${PETER.line.slice(0, -1)} AAAA\n`],
      ['a line more', `${peterNote}Unexpected line.\n`],
      ['hyphen for a dash', `${GO_TEXT}\n${PETER.line.replace('—', '-')}`],
      ['base64 without padding', `${GO_TEXT}\n${PETER.line.replace('=', '')}`],
      ['base64 of the URL alphabet', `${GO_TEXT}\n${PETER.line.replace('/', '_')}`],
      ['only a key id', `${GO_TEXT}\n— PeterNeumann x08gow==\n`],
      ['too many signatures', `${GO_TEXT}\n${PETER.line.repeat(MAX_SIGNATURES + 1)}`],
      ['too long', `${'a'.repeat(MAX_NOTE_BYTES)}\n\n${PETER.line}`],
    ];
    for (const [what, note] of cases) throws(() => openNote(note, [peter]), MALFORMED, what);
    equal(parseNote(`${GO_TEXT}\n${PETER.line.repeat(MAX_SIGNATURES)}`).signatures.length, 100);
  });

  it('never writes what it would not read', () => {
    const signer = peterSigner();
    for (const text of ['abc', 'a\x01\n', `${'a'.repeat(MAX_NOTE_BYTES)}\n`]) {
      throws(() => signNote(text, signer), MALFORMED, JSON.stringify(text.slice(0, 10)));
    }
    throws(() => signNote('a\n'), MALFORMED, 'no signer');
    throws(() => signNote('a\n', { ...signer, name: 'a b' }), MALFORMED);
    const { signatures } = parseNote(bothNote);
    const [first, second] = signatures.map((_, i) =>
      formatNote({ text: 'a\n', signatures: [signatures[i]!] }).slice(3),
    );
    throws(() => formatNote({ text: `a\n\n${first!.slice(0, -1)}`, signatures }), MALFORMED);
    const two = `${first!.slice(2)}${second!.slice(0, second!.lastIndexOf(' '))}`;
    throws(
      () => formatNote({ text: 'a\n', signatures: [{ ...signatures[1]!, name: two }] }),
      MALFORMED,
    );
  });

  it('takes one more signature, and replaces one of the same key', () => {
    const signer = peterSigner();
    const enochLine = parseNote(bothNote).signatures[1]!;
    equal(withSignature(peterNote, enochLine), bothNote);
    equal(withSignature(withSignature(peterNote, enochLine), enochLine), bothNote);
    const bad = { ...signatureBy(signer, GO_TEXT), bytes: new Uint8Array(64) };
    const replaced = withSignature(formatNote({ text: GO_TEXT, signatures: [bad] }), {
      ...signatureBy(signer, GO_TEXT),
    });
    equal(replaced, peterNote);
  });
});

describe('verifier key', () => {
  it('has a name that a signature line can have', () => {
    const key = parseVerifierKey(PETER.key);
    for (const name of ['', 'a b', 'a+b', 'a\x01', 'a\n', '\ud800', 'a'.repeat(257)]) {
      throws(() => formatVerifierKey({ ...key, name }), MALFORMED, JSON.stringify(name));
    }
    equal(parseVerifierKey(formatVerifierKey({ ...key, name: 'a'.repeat(256) })).name.length, 256);
  });

  it('round-trips the published keys', () => {
    for (const key of [PETER.key, ENOCH.key, ...C2SP_EXAMPLE.keys]) {
      equal(formatVerifierKey(parseVerifierKey(key)), key);
    }
  });

  it('refuses every part and every mangling of a key', () => {
    const { key } = PETER;
    for (let start = 0; start < key.length; start++) {
      for (let end = start + 1; end <= key.length; end++) {
        if (end - start === key.length) continue;
        throws(() => verifierOf(key.slice(start, end)), MALFORMED, `${start}..${end}`);
      }
      const next = String.fromCharCode(key.charCodeAt(start) + 1);
      throws(() => verifierOf(key.slice(0, start) + next + key.slice(start + 1)), MALFORMED);
    }
    for (const bad of BAD_KEYS) throws(() => verifierOf(bad), MALFORMED, bad);
  });
});
