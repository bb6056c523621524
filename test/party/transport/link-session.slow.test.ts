import { ok } from 'node:assert/strict';
import { peerBook } from '../../../src/party/peers.ts';
import { rawType } from '../../contract/channel-suite.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import {
  type Node,
  openPair,
  recordOf,
  startNodes,
  stopNodes,
  termsOf,
} from '../../support/transports.ts';

const Raw = rawType('entente.test.Raw');

describe('session over a long line', () => {
  it('is not bound to 64 KiB a round trip of 40 ms', async () => {
    const nodes = (await startNodes(['orgA', 'orgB'])) as [Node, Node];
    const proxies = await Promise.all(
      nodes.map(({ record }) => startProxy(Number(record.address.split(':')[1]), 20)),
    );
    const far = nodes.map(({ identity }, i) => recordOf(identity, proxies[i]!.port));
    nodes[0].transport.setPeers(peerBook([far[1]!]));
    nodes[1].transport.setPeers(peerBook([far[0]!]));
    const [from, to] = await openPair(nodes[0], nodes[1], termsOf(1));
    const mib = new Uint8Array((1 << 20) - 64);
    const stream = async (n: number): Promise<void> => {
      const sending = (async () => {
        for (let i = 0; i < n; i++) await from.channel.send(Raw, mib);
      })();
      for (let i = 0; i < n; i++) await to.channel.receive(Raw);
      await sending;
    };
    await stream(16);
    const start = performance.now();
    await stream(256);
    const rate = (256 * 1.048576) / ((performance.now() - start) / 1000);
    // gRPC's default window would give 1.6 MB/s; on an idle machine this gives above 50.
    ok(rate > 20, `${rate.toFixed(1)} MB/s`);
    await stopNodes(nodes);
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
});
