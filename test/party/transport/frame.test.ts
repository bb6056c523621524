import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { SessionError } from '../../../src/party/errors.ts';
import {
  CHUNK_BYTES,
  checkName,
  chunksOf,
  decodeFrame,
  encodeHead,
  type FrameBody,
  HEADER_BYTES,
  MAX_NAME_BYTES,
  plainBody,
} from '../../../src/party/transport/frame.ts';

const wire = (body: FrameBody, sequence: number): Uint8Array =>
  Buffer.concat([encodeHead(body, sequence), body.payload]);

const isMalformed = (error: unknown): boolean =>
  error instanceof SessionError && error.code === 'MALFORMED';

describe('frame', () => {
  it('is what its header says', () => {
    const [body] = chunksOf(7, 'T', Uint8Array.of(9, 8));
    const expected =
      '03030001' + '00000007' + '0000002000000001' + '00000002' + '00000002' + '540908';
    equal(Buffer.from(wire(body!, 2 ** 37 + 1)).toString('hex'), expected);
  });

  it('survives the wire', () => {
    const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 });
    const bytes = fc.uint8Array({ maxLength: 300 });
    const bodies = fc.oneof(
      fc.tuple(fc.nat(), name, bytes).map(([label, type, b]) => chunksOf(label, type, b)[0]!),
      fc
        .tuple(
          fc.constantFrom('open', 'label', 'close', 'ack', 'mark', 'countersign'),
          fc.nat(),
          bytes,
        )
        .map(([kind, label, b]) => plainBody(kind as 'open', label, b)),
    );
    fc.assert(
      fc.property(bodies, fc.maxSafeNat(), (body, sequence) => {
        const { head, ...decoded } = decodeFrame(wire(body, sequence));
        deepEqual(decoded, { ...body, sequence });
        equal(Buffer.compare(head, encodeHead(body, sequence)), 0);
      }),
    );
  });

  it('cuts messages at the chunk size', () => {
    for (const [length, chunks] of [
      [0, 1],
      [1, 1],
      [CHUNK_BYTES - 1, 1],
      [CHUNK_BYTES, 1],
      [CHUNK_BYTES + 1, 2],
      [3 * CHUNK_BYTES, 3],
    ] as const) {
      const bodies = chunksOf(0, 'T', new Uint8Array(length));
      equal(bodies.length, chunks);
      equal(
        bodies.reduce((sum, { payload }) => sum + payload.length, 0),
        length,
      );
      deepEqual(
        bodies.map(({ first, last }) => [first, last]),
        bodies.map((_, i) => [i === 0, i === chunks - 1]),
      );
    }
  });

  it('gives a typed error or a frame that encodes back, for any bytes', () => {
    const valid = fc
      .tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(0xffff))
      .map(([payload, sequence]) => wire(chunksOf(1, 'Type', payload)[0]!, sequence));
    const mutated = fc
      .tuple(valid, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 3 }), fc.nat(80))
      .map(([bytes, flips, cut]) => {
        const copy = Uint8Array.from(bytes);
        for (const [at, value] of flips) copy[at % copy.length] = value;
        return copy.subarray(0, cut);
      });
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), (bytes) => {
        try {
          const frame = decodeFrame(bytes);
          accepted += 1;
          equal(Buffer.compare(wire(frame, frame.sequence), bytes), 0);
        } catch (error) {
          ok(isMalformed(error), String(error));
        }
      }),
      { numRuns: 3000, seed: 1 },
    );
    ok(accepted > 20, 'mutations left some frames valid');
  });

  it('refuses a header that is cut', () => {
    const bytes = wire(plainBody('close', 0, new Uint8Array(0)), 0);
    for (let n = 0; n < HEADER_BYTES; n++)
      throws(() => decodeFrame(bytes.subarray(0, n)), isMalformed);
  });

  it('refuses names that are long, or not printable', () => {
    const long = 'x'.repeat(MAX_NAME_BYTES + 1);
    for (const name of ['é', 'a\n', '\u0000', long]) throws(() => checkName(name), RangeError);
    const body = { ...chunksOf(0, 'T', new Uint8Array(0))[0]!, type: long };
    throws(() => decodeFrame(wire(body, 0)), isMalformed);
    throws(() => decodeFrame(wire({ ...body, type: 'a\n' }, 0)), isMalformed);
  });
});
