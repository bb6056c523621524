import { equal, ok } from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { FakeTasks } from '../../support/fake-tasks.ts';
import { as, fakeServer } from '../../support/http-server.ts';
import { malformedBody } from '../../support/malformed-bodies.ts';

const BODIES = 10_000;
/** Memory of a run that leaks nothing varies by less; what every call left behind would be more. */
const ALLOWED_GROWTH = 24 << 20;

/** Without it the heap is mostly what nobody has collected yet. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}

describe('json bodies', function () {
  this.timeout(300_000);

  it('do not make a server grow, ten thousand malformed ones', async () => {
    const collect = garbageCollector();
    const server = fakeServer({ tasks: new FakeTasks() });
    const address = await server.start();
    const headers = { ...as('admin'), 'content-type': 'application/json' };
    const sample = fc.sample(malformedBody, { numRuns: BODIES, seed: 7 });
    const send = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i += 50) {
        await Promise.all(
          sample.slice(i, Math.min(i + 50, to)).map(async ({ url, body }) => {
            const reply = await fetch(`${address}${url}`, {
              method: 'POST',
              headers: { ...headers, prefer: 'respond-async' },
              body: Buffer.from(body),
            });
            await reply.arrayBuffer();
            ok(reply.status < 500, `${reply.status} for ${Buffer.from(body).toString('latin1')}`);
          }),
        );
      }
    };
    const heap = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    try {
      await send(0, 2000); // what is compiled and pooled is there then
      const before = heap();
      await send(2000, BODIES);
      const growth = heap() - before;
      ok(growth < ALLOWED_GROWTH, `${Math.round(growth / 2 ** 20)} MiB more`);
      equal((await fetch(`${address}/healthz`)).status, 200);
    } finally {
      await server.stop();
    }
  });
});
