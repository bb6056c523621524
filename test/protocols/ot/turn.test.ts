import { equal, rejects } from 'node:assert/strict';
import { Turn } from '../../../src/protocols/ot/turn.ts';

describe('turn', () => {
  it('serves calls one after the other', async () => {
    const turn = new Turn();
    equal(await turn.take(async () => 1), 1);
    equal(await turn.take(async () => 2), 2);
  });

  it('refuses a second call while one is pending, and does not disturb the first', async () => {
    const turn = new Turn();
    let finish: (value: number) => void = () => undefined;
    const first = turn.take(
      () =>
        new Promise<number>((resolve) => {
          finish = resolve;
        }),
    );
    let ran = false;
    const second = turn.take(async () => {
      ran = true;
    });
    await rejects(second, TypeError);
    equal(ran, false);
    finish(7);
    equal(await first, 7);
    equal(await turn.take(async () => 8), 8);
  });

  it('refuses every call after a failure', async () => {
    const turn = new Turn();
    await rejects(
      turn.take(() => Promise.reject(new RangeError('lost'))),
      RangeError,
    );
    await rejects(
      turn.take(async () => 1),
      TypeError,
    );
  });
});
