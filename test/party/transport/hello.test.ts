import { deepEqual, equal, notDeepEqual, throws } from 'node:assert/strict';
import { inspect } from 'node:util';
import type { SignedHello } from '../../../proto/gen/session.ts';
import { createIdentity, type Identity } from '../../../src/party/identity.ts';
import {
  checkAnswers,
  checkTerms,
  makeHello,
  readHello,
  type SessionKeys,
  sessionKeys,
} from '../../../src/party/transport/hello.ts';
import { recordOf } from '../../support/transports.ts';

describe('session hello', () => {
  let a: Identity;
  let b: Identity;

  before(async () => {
    [a, b] = [await createIdentity('orgA'), await createIdentity('orgB')];
  });

  const terms = (peer: Identity, attempt = 1) => ({
    peer: peer.name,
    taskId: new Uint8Array(32).fill(1),
    certificateDigest: new Uint8Array(32).fill(2),
    checkpointDigest: new Uint8Array(32),
    attempt,
  });

  /** Both sides' keys, after a hello and its answer. */
  const handshake = (): [SessionKeys, SessionKeys] => {
    const offer = makeHello(a, recordOf(b, 1), terms(b));
    const heard = readHello(offer.signed, recordOf(a, 1), b);
    checkTerms(heard, terms(a));
    const answer = makeHello(b, recordOf(a, 1), terms(a), offer.signed);
    const answered = readHello(answer.signed, recordOf(b, 1), a);
    checkTerms(answered, terms(b));
    checkAnswers(answered, offer.signed);
    return [
      sessionKeys(offer.signed, answer.signed, offer.ephemeral, answered),
      sessionKeys(offer.signed, answer.signed, answer.ephemeral, heard),
    ];
  };

  it('gives both sides the same keys, and every purpose its own', () => {
    const [ka, kb] = handshake();
    const all = (keys: SessionKeys): Uint8Array[] => [
      keys.id,
      keys.receiptStart('orgA'),
      keys.receiptStart('orgB'),
      keys.streamMac('pull', 'orgA', { attempt: 1, next: 0, stream: 1 }),
      keys.streamMac('pull', 'orgB', { attempt: 1, next: 0, stream: 1 }),
      keys.streamMac('open', 'orgA', { attempt: 1, next: 0, stream: 1 }),
      keys.streamMac('pull', 'orgA', { attempt: 2, next: 0, stream: 1 }),
      keys.streamMac('pull', 'orgA', { attempt: 1, next: 1, stream: 1 }),
      keys.streamMac('pull', 'orgA', { attempt: 1, next: 0, stream: 2 }),
      keys.deriveKey('id', 32),
      keys.deriveKey('', 32),
    ];
    deepEqual(all(ka), all(kb));
    equal(new Set(all(ka).map((key) => Buffer.from(key).toString('hex'))).size, all(ka).length);
  });

  it('gives every session other keys', () => {
    notDeepEqual(handshake()[0].id, handshake()[0].id);
  });

  it('binds the keys to every byte of both hellos', () => {
    const offer = makeHello(a, recordOf(b, 1), terms(b));
    const answer = makeHello(b, recordOf(a, 1), terms(a), offer.signed);
    const theirs = readHello(answer.signed, recordOf(b, 1), a);
    const keysWith = (o: SignedHello, w: SignedHello): Uint8Array =>
      sessionKeys(o, w, offer.ephemeral, theirs).id;
    const flip = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length - 1, 1 ^ bytes.at(-1)!);
    const [o, w] = [offer.signed, answer.signed];
    const ids = [
      keysWith(o, w),
      keysWith({ ...o, hello: flip(o.hello) }, w),
      keysWith({ ...o, signature: flip(o.signature) }, w),
      keysWith(o, { ...w, hello: flip(w.hello) }),
      keysWith(o, { ...w, signature: flip(w.signature) }),
    ];
    equal(new Set(ids.map((id) => Buffer.from(id).toString('hex'))).size, ids.length);
  });

  it('refuses an answer to another hello', () => {
    const [offer, other] = [1, 2].map(() => makeHello(a, recordOf(b, 1), terms(b)).signed);
    const answer = makeHello(b, recordOf(a, 1), terms(a), other);
    const answered = readHello(answer.signed, recordOf(b, 1), a);
    throws(() => checkAnswers(answered, offer!), { code: 'HELLO_MISMATCH' });
  });

  it('refuses any flipped byte', () => {
    const { signed } = makeHello(a, recordOf(b, 1), terms(b));
    for (let i = 0; i < signed.hello.length; i++) {
      const hello = signed.hello.with(i, signed.hello[i]! ^ 1);
      throws(() => readHello({ ...signed, hello }, recordOf(a, 1), b), { name: 'SessionError' });
    }
    for (const i of [0, 31, 32, 63]) {
      const signature = signed.signature.with(i, signed.signature[i]! ^ 1);
      throws(() => readHello({ ...signed, signature }, recordOf(a, 1), b), {
        code: 'BAD_SIGNATURE',
      });
    }
  });

  it('prints no key', () => {
    const [keys] = handshake();
    equal(inspect(keys), '[secret]');
    equal(JSON.stringify({ keys }), '{"keys":"[secret]"}');
  });
});
