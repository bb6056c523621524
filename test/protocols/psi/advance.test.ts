import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { Advance } from '../../../src/protocols/psi/advance.ts';

const { slots } = okvsParameters(100);

/** Calls of `extend`, each of which gives its number. */
function recorded() {
  const calls: number[] = [];
  return { calls, extend: async (k: number) => calls.push(k) };
}

describe('correlations in advance', () => {
  it('are made one at a time, as many as were forecast, and then as they are taken', async () => {
    const { calls, extend } = recorded();
    const advance = new Advance(extend, { items: 100, evaluations: 2 });
    deepEqual(calls, [slots]);
    equal(await advance.take(7), 1);
    deepEqual(calls, [slots]);
    advance.begin();
    deepEqual(calls, [slots, slots]);
    equal(await advance.take(slots), 2);
    advance.begin();
    equal(await advance.take(9), 3);
    deepEqual(calls, [slots, slots, 9]);
  });

  it('are made when they are taken without a forecast, or for no items', async () => {
    for (const forecast of [
      undefined,
      { items: 0, evaluations: 3 },
      { items: 9, evaluations: 0 },
    ]) {
      const { calls, extend } = recorded();
      const advance = new Advance(extend, forecast);
      advance.begin();
      deepEqual(calls, []);
      equal(await advance.take(5), 1);
      deepEqual(calls, [5]);
    }
  });

  it('are not longer than forecast', async () => {
    const { extend } = recorded();
    const advance = new Advance(extend, { items: 100, evaluations: 1 });
    throws(() => advance.take(slots + 1), RangeError);
    equal(await advance.take(slots), 1);
  });

  it('fail where they are taken', async () => {
    const advance = new Advance(() => Promise.reject(new Error('lost')), {
      items: 1,
      evaluations: 1,
    });
    await new Promise(setImmediate);
    await rejects(advance.take(1), /lost/);
  });
});
