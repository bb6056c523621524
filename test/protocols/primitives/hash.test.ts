import { deepEqual, equal, throws } from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { hexToBytes } from '@noble/hashes/utils.js';
import { FixedKeyHash } from '../../../src/protocols/primitives/hash.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const KEY = hexToBytes('000102030405060708090a0b0c0d0e0f');

/** The definition, block by block. */
function mmo(x: Uint8Array): Uint8Array {
  const aes = createCipheriv('aes-128-ecb', KEY, null).setAutoPadding(false);
  const image = aes.update(x);
  return x.map((byte, i) => byte ^ image[i]!);
}

function tweaked(x: Uint8Array, index: number, block: number, domain: number): Uint8Array {
  const tweak = new DataView(new ArrayBuffer(16));
  tweak.setBigUint64(0, BigInt(index), true);
  tweak.setUint32(8, block, true);
  tweak.setUint32(12, domain, true);
  return mmo(x.map((byte, i) => byte ^ tweak.getUint8(i)));
}

describe('fixed-key hash', () => {
  it('feeds the block of FIPS 197 Appendix C.1 forward', () => {
    const x = hexToBytes('00112233445566778899aabbccddeeff');
    const aes = hexToBytes('69c4e0d86a7b0430d8cdb78070b4c55a');
    deepEqual(
      new FixedKeyHash(KEY).hash(x),
      aes.map((byte, i) => byte ^ x[i]!),
    );
  });

  it('agrees with the definition over several pieces and leaves its input alone', () => {
    for (const blocks of [0, 1, 4095, 4096, 4097, 9000]) {
      const x = seededRng('blocks')(16 * blocks);
      const copy = x.slice();
      equal(Buffer.compare(new FixedKeyHash(KEY).hash(x), mmo(x)), 0, `${blocks} blocks`);
      deepEqual(x, copy);
    }
  });

  it('binds index, output block and domain', () => {
    const first = 2 ** 32 - 1; // the index crosses 32 bits
    const x = seededRng('rows')(16 * 3);
    const hash = new FixedKeyHash(KEY);
    const out = hash.hashIndexed(x, first, 9, 2);
    equal(out.length, 16 * 3 * 2);
    for (let i = 0; i < 3; i++) {
      for (let b = 0; b < 2; b++) {
        const at = 16 * (2 * i + b);
        const expected = tweaked(x.subarray(16 * i, 16 * i + 16), first + i, b, 9);
        deepEqual(out.subarray(at, at + 16), expected, `row ${i} block ${b}`);
      }
    }
    deepEqual(hash.hashIndexed(x, first, 9), rows(out, [0, 2, 4]));
  });

  it('takes unaligned views', () => {
    const x = seededRng('view')(16 * 2 + 1).subarray(1);
    deepEqual(new FixedKeyHash(KEY).hash(x), mmo(x));
  });

  it('refuses partial blocks and indices beyond exact integers', () => {
    const hash = new FixedKeyHash(KEY);
    throws(() => hash.hash(new Uint8Array(17)), RangeError);
    throws(() => hash.hashIndexed(new Uint8Array(16), Number.MAX_SAFE_INTEGER, 1), RangeError);
  });
});

function rows(blocks: Uint8Array, indices: readonly number[]): Uint8Array {
  return Uint8Array.from(indices.flatMap((i) => [...blocks.subarray(16 * i, 16 * i + 16)]));
}
