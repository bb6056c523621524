import { deepEqual, equal, notDeepEqual, rejects, throws } from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { inspect } from 'node:util';
import { ZeroSharingSeed } from '../../../proto/gen/star.ts';
import { ZeroSharing } from '../../../src/protocols/psi/zero-sharing.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { memoryParties, type PartyFrame, runParties } from '../../support/memory-parties.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { tamperingChannel } from '../../support/tampering-channel.ts';

const setup = (n: number, seed = '', observe: (frame: PartyFrame) => void = () => {}) =>
  runParties(n, (parties) => ZeroSharing.setup(parties, seededRng(`${parties.me}${seed}`)), {
    observe,
  });

const xor = (rows: readonly Uint8Array[]): Uint8Array =>
  rows.reduce((a, b) => a.map((byte, i) => byte ^ b[i]!));

describe('zero sharing [KMPRT17]', () => {
  for (const n of [2, 3, 4, 6]) {
    it(`gives ${n} parties shares of zero for every item, whatever its place`, async () => {
      const parties = await setup(n);
      for (const count of [0, 1, 7, 5000]) {
        const items = seededRng(`items ${count}`)(16 * count);
        const shares = parties.map((party) => party.shares(items));
        deepEqual(xor(shares), new Uint8Array(16 * count), `${count} items`);
        const last = items.slice(-16);
        parties.forEach((party, i) => {
          deepEqual(party.shares(last), shares[i]!.slice(-16));
        });
      }
    });
  }

  it('leaves any coalition of all but two with shares of theirs that look uniform', async () => {
    const items = seededRng('items')(16 * 200);
    const shares = (await setup(4)).map((party) => party.shares(items));
    looksUniform(shares[0]!, 'one share');
    looksUniform(xor(shares.slice(1, 3)), 'two shares');
    looksUniform(xor(shares.slice(0, 3)), 'three shares');
  });

  it('is AES of the item under the sum of the pair keys, exactly', async () => {
    const keys: Uint8Array[] = [];
    const parties = await setup(3, '', ({ from, to, bytes }) => {
      keys[from + to] = ZeroSharingSeed.decode(bytes).seed; // 01, 02, 12 at 1, 2, 3
    });
    const items = seededRng('items')(64);
    const aes = (key: Uint8Array): Uint8Array =>
      new Uint8Array(createCipheriv('aes-128-ecb', key, null).update(items));
    deepEqual(parties[0]!.shares(items), xor([aes(keys[1]!), aes(keys[2]!)]));
    deepEqual(parties[1]!.shares(items), xor([aes(keys[1]!), aes(keys[3]!)]));
    deepEqual(parties[2]!.shares(items), xor([aes(keys[2]!), aes(keys[3]!)]));
  });

  it('does not change the items, and takes unaligned ones', async () => {
    const [a] = await setup(2);
    const bytes = seededRng('items')(1 + 160);
    const items = bytes.subarray(1);
    const before = items.slice();
    const shares = a!.shares(items);
    deepEqual(items, before);
    deepEqual(shares, a!.shares(before));
  });

  it('shares afresh in every session', async () => {
    const items = seededRng('items')(32);
    const [first, second] = await Promise.all([setup(3), setup(3, 'again')]);
    first.forEach((party, i) => {
      notDeepEqual(party.shares(items), second[i]!.shares(items));
    });
  });

  it('costs one message of 18 bytes a pair, from the lower index', async () => {
    const sent: string[] = [];
    await setup(4, '', ({ from, to, label, bytes }) => {
      sent.push(`${from}${to} ${label} ${bytes.length}`);
    });
    deepEqual(
      sent.sort(),
      ['01', '02', '03', '12', '13', '23'].map((pair) => `${pair} /zero-sharing 18`),
    );
  });

  it('refuses seeds that are short or long', async () => {
    for (const length of [0, 15, 17]) {
      const run = runParties(3, (parties) => ZeroSharing.setup(parties, seededRng(parties.me)), {
        wrap: (channel, me) =>
          me === 1
            ? tamperingChannel(channel, ZeroSharingSeed, () => ({ seed: new Uint8Array(length) }))
            : channel,
      });
      await rejects(run, { code: 'MALFORMED_MESSAGE' });
    }
  });

  it('refuses items that are no whole rows', async () => {
    const [a] = await setup(2);
    for (const length of [1, 15, 17]) {
      throws(() => a!.shares(new Uint8Array(length)), RangeError);
    }
  });

  it('shows no key when it is printed', async () => {
    const [a] = await setup(2);
    equal(inspect(a), '[secret]');
    equal(JSON.stringify(a), '"[secret]"');
  });

  it('ends with the channel', async () => {
    const abort = new AbortController();
    const [, b] = memoryParties(2, { signal: abort.signal });
    const pending = ZeroSharing.setup(b!, seededRng(1));
    abort.abort();
    await rejects(pending, { code: 'CLOSED' });
  });
});
