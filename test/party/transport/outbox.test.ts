import { deepEqual, equal } from 'node:assert/strict';
import { decodeFrame } from '../../../src/party/transport/frame.ts';
import { Outbox } from '../../../src/party/transport/outbox.ts';

/** An outbox whose frames leave at once, and their kinds, labels and numbers. */
function openOutbox() {
  const written: [kind: string, label: number, sequence: number][] = [];
  let [ends, allSent] = [0, 0];
  const outbox = new Outbox(new Uint8Array(32), () => (allSent += 1));
  const sink = {
    write: (head: Uint8Array, payload: Uint8Array, done: () => void) => {
      const { kind, label, sequence } = decodeFrame(Buffer.concat([head, payload]));
      written.push([kind, label, sequence]);
      done();
    },
    end: () => (ends += 1),
  };
  return { outbox, sink, written, ends: () => ends, allSent: () => allSent };
}

describe('outbox', () => {
  it('numbers labels and messages from 0, and announces a label once', () => {
    const { outbox, sink, written } = openOutbox();
    outbox.attach(sink, new Uint8Array(32));
    for (const label of ['', '/f', '/f', '/g', '']) void outbox.send(label, 'T', new Uint8Array(1));
    deepEqual(written, [
      ['open', 0, 0],
      ['data', 0, 0],
      ['label', 1, 1],
      ['data', 1, 2],
      ['data', 1, 3],
      ['label', 2, 4],
      ['data', 2, 5],
      ['data', 0, 6],
    ]);
    equal(outbox.receipt().frames, 7);
    equal(outbox.receipt().bytes, 5 + '/f'.length + '/g'.length);
  });

  it('keeps what is sent before the stream opens', () => {
    const { outbox, sink, written } = openOutbox();
    void outbox.send('', 'T', new Uint8Array(1));
    equal(written.length, 0);
    outbox.attach(sink, new Uint8Array(32));
    deepEqual(written, [
      ['open', 0, 0],
      ['data', 0, 0],
    ]);
  });

  it('closes once, however often it is told', () => {
    const { outbox, sink, written, ends, allSent } = openOutbox();
    outbox.attach(sink, new Uint8Array(32));
    outbox.close(new Error('over'));
    outbox.close(new Error('again'));
    deepEqual(written, [
      ['open', 0, 0],
      ['close', 0, 0],
    ]);
    deepEqual([ends(), allSent()], [1, 1]);
  });
});
