import { deepEqual, equal, rejects } from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createIdentity, type Identity } from '../../src/party/identity.ts';
import { type LivePeers, livePeers, readPeers } from '../../src/party/live-peers.ts';
import { type PeerBook, peerBook } from '../../src/party/peers.ts';
import { runInProcess, withNode } from '../support/cli-run.ts';

const CALLER = { id: 'token-1', role: 'admin' } as const;

interface Setup {
  readonly live: LivePeers;
  readonly used: { peers: PeerBook; changes: number };
  readonly config: string;
  /** Pins a new key under a name and address. */
  readonly pin: (name: string, address: string) => Promise<Identity>;
  readonly unpin: (name: string) => Promise<void>;
}

async function withLivePeers(use: (setup: Setup) => Promise<void>): Promise<void> {
  await withNode(async (dir, config) => {
    const used = {
      peers: peerBook([]),
      changes: 0,
      setPeers(peers: PeerBook) {
        this.peers = peers;
        this.changes++;
      },
    };
    const peer = async (...argv: string[]): Promise<void> => {
      const { code, err } = await runInProcess(['peer', ...argv, '--config', config]);
      equal(code, 0, err);
    };
    await use({
      live: livePeers(config, {}, used, async () => undefined),
      used,
      config,
      async pin(name, address) {
        const identity = await createIdentity(name);
        const file = join(dir, `sent-${name}.crt`);
        await writeFile(file, identity.certificatePem);
        await peer('add', name, address, '--certificate', file);
        return identity;
      },
      unpin: (name) => peer('remove', name),
    });
  });
}

describe('live peers', () => {
  it('follow the configuration and keep what did not change', () =>
    withLivePeers(async ({ live, used, pin, unpin }) => {
      const { fingerprint } = await pin('orgB', 'b:1');
      await live.reload(CALLER);
      const orgB = used.peers.byName('orgB')!;
      deepEqual([orgB.address, orgB.fingerprint], ['b:1', fingerprint]);

      await pin('orgC', 'c:1');
      await live.reload(CALLER);
      equal(used.peers.byName('orgB'), orgB, 'the same record: its connections stay');
      deepEqual(
        live.list().map(({ name }) => name),
        ['orgB', 'orgC'],
      );

      await unpin('orgB');
      await live.reload(CALLER);
      equal(used.peers.byName('orgB'), undefined);
      const again = await pin('orgB', 'b:1');
      await live.reload(CALLER);
      equal(used.peers.byName('orgB')!.fingerprint, again.fingerprint, 'another key counts');
      equal(used.changes, 4);
    }));

  it('stay as they are when the configuration is wrong', () =>
    withLivePeers(async ({ live, used, config, pin }) => {
      await pin('orgB', 'b:1');
      await live.reload(CALLER);
      const before = used.peers;
      await writeFile(config, 'name: orgA\ncolour: blue\n');
      await rejects(live.reload(CALLER), {
        code: 'INVALID_REQUEST',
        message: /colour is not a known key/,
      });
      await writeFile(
        config,
        'name: orgA\npeers: [{name: orgX, address: "b:1", certificate: peers/orgB.crt}]\n',
      );
      await rejects(live.reload(CALLER), { code: 'INVALID_REQUEST', message: /names "orgB"/ });
      equal(used.peers, before);
    }));

  it('stay as they are when a certificate is gone', () =>
    withLivePeers(async ({ live, used, config, pin }) => {
      await pin('orgB', 'b:1');
      await live.reload(CALLER);
      await rm(join(config, '..', 'peers', 'orgB.crt'));
      await rejects(live.reload(CALLER), { code: 'INVALID_REQUEST', message: /orgB/ });
      equal(used.changes, 1);
    }));

  it('are read with their certificates', async () => {
    const certificate = 'none.crt';
    const peer = { name: 'orgB', address: 'b:1', certificate, fingerprint: null };
    await rejects(readPeers([peer]), { code: 'ENOENT' });
    equal((await readPeers([])).all.length, 0);
  });
});
