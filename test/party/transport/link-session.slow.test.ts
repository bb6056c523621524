import { ok } from 'node:assert/strict';
import { rawType } from '../../contract/channel-suite.ts';
import { openPair, startProxied, termsOf } from '../../support/transports.ts';

const Raw = rawType('entente.test.Raw');

describe('session over a long line', () => {
  it('carries above 50 MB/s over a round trip of 40 ms', async () => {
    const far = await startProxied({}, 20);
    const [from, to] = await openPair(...far.nodes, termsOf(1));
    const mib = new Uint8Array((1 << 20) - 64);
    const stream = async (n: number): Promise<number> => {
      const start = performance.now();
      const sending = (async () => {
        for (let i = 0; i < n; i++) await from.channel.send(Raw, mib);
      })();
      for (let i = 0; i < n; i++) await to.channel.receive(Raw);
      await sending;
      return (n * 1.048576) / ((performance.now() - start) / 1000);
    };
    await stream(16);
    const rates = [await stream(256), await stream(256), await stream(256)];
    // gRPC's default window would give 1.6 MB/s, whatever the machine.
    ok(Math.max(...rates) > 50, `${rates.map((rate) => rate.toFixed(1)).join(', ')} MB/s`);
    await far.stop();
  });
});
