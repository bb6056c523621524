import { deepEqual, equal } from 'node:assert/strict';
import { MAX_WAITING, turns } from '../../../src/party/consensus/turns.ts';
import { refusesAsync } from '../../support/refusals.ts';

const { signal } = new AbortController();

describe('turns of a peer', () => {
  it('come one after another, each peer for itself', async () => {
    const takeTurn = turns();
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const work = (name: string) => async () => {
      log.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
    };
    const all = ['a1', 'a2', 'b1'].map((name) => takeTurn(name[0]!, signal, work(name)));
    await new Promise(setImmediate);
    deepEqual(log, ['a1', 'b1']);
    ends.shift()!();
    await all[0];
    await new Promise(setImmediate);
    deepEqual(log, ['a1', 'b1', 'a2']);
    for (const end of ends) end();
    await Promise.all(all);
    equal(await takeTurn('a', signal, async () => 'free again'), 'free again');
  });

  it('pass on after a failure, and past whoever has gone', async () => {
    const takeTurn = turns();
    const gone = new AbortController();
    const failing = takeTurn('a', signal, async () => {
      throw new TypeError('first');
    });
    let ran = false;
    const left = takeTurn('a', gone.signal, async () => {
      ran = true;
    });
    const last = takeTurn('a', signal, async () => 'last');
    gone.abort();
    const [first, second, third] = await Promise.allSettled([failing, left, last]);
    equal((first as PromiseRejectedResult).reason.message, 'first');
    equal((second as PromiseRejectedResult).reason.code, 'aborted');
    deepEqual(third, { status: 'fulfilled', value: 'last' });
    equal(ran, false);
  });

  it('are refused when too many wait', async () => {
    const takeTurn = turns();
    let end = (): void => undefined;
    const first = takeTurn('a', signal, () => new Promise<void>((resolve) => (end = resolve)));
    const waiting = Array.from({ length: MAX_WAITING }, () => takeTurn('a', signal, async () => 1));
    await refusesAsync(
      takeTurn('a', signal, async () => 1),
      'too_many_tasks',
    );
    equal(await takeTurn('b', signal, async () => 2), 2);
    end();
    await first;
    equal((await Promise.all(waiting)).length, MAX_WAITING);
  });
});
