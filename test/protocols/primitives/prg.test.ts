import { deepEqual, notDeepEqual, throws } from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { Prg } from '../../../src/protocols/primitives/prg.ts';
import { looksUniform } from '../../support/chi-square.ts';

const SEED = Uint8Array.from({ length: 16 }, (_, i) => i);

describe('PRG', () => {
  it('is AES of a counter under the hashed label and seed', () => {
    const label = 'columns';
    const input = Buffer.concat([
      Buffer.from('entente/prg/v1'),
      Buffer.from([label.length, 0]),
      Buffer.from(label),
      SEED,
    ]);
    const key = createHash('sha256').update(input).digest().subarray(0, 16);
    const counters = Buffer.alloc(16 * 40);
    for (let i = 0; i < 40; i++) counters.writeUInt32BE(i, 16 * i + 12);
    const ecb = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    const expected = new Uint8Array(ecb.update(counters));
    deepEqual(new Prg(SEED, label).next(640), expected);
  });

  it('gives the same stream in pieces of any size', () => {
    const whole = new Prg(SEED, 'a').next(600_000);
    const prg = new Prg(SEED, 'a');
    let at = 0;
    for (const size of [0, 1, 15, 16, 17, 262_143, 262_144, 75_584]) {
      deepEqual(prg.next(size), whole.subarray(at, at + size), `piece of ${size} at ${at}`);
      at += size;
    }
  });

  it('masks with the stream that next would return', () => {
    const text = Uint8Array.from({ length: 100 }, (_, i) => 7 * i);
    const stream = new Prg(SEED, 'a').next(100);
    deepEqual(
      new Prg(SEED, 'a').mask(text),
      text.map((byte, i) => byte ^ stream[i]!),
    );
  });

  it('separates labels and seeds', () => {
    const stream = new Prg(SEED, 'ab').next(32);
    notDeepEqual(new Prg(SEED, 'a').next(32), stream);
    notDeepEqual(new Prg(Uint8Array.of(98, ...SEED), 'a').next(32), stream);
    notDeepEqual(new Prg(SEED.toReversed(), 'ab').next(32), stream);
  });

  it('looks uniform', () => looksUniform(new Prg(SEED, 'chi').next(100_000), 'stream'));

  it('refuses a short seed', () => {
    throws(() => new Prg(SEED.subarray(1), 'a'), RangeError);
  });
});
