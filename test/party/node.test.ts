import { equal, match, rejects } from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { init } from '../../src/party/cli/init.ts';
import { startNode } from '../../src/party/node.ts';
import { Store } from '../../src/party/store.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

describe('node', function () {
  this.timeout(20_000);
  const folder = scratchFolder();
  const home = join(folder.path, 'orgA');
  const config = join(home, 'entente.yaml');

  /** Starts with some lines of the configuration replaced. */
  const start = (...changes: readonly (readonly [from: string, to: string])[]) => {
    const text = changes.reduce((all, [from, to]) => all.replace(from, to), original);
    writeFileSync(config, text);
    return startNode(config);
  };
  let original = '';

  before(async () => {
    await init(home, { name: 'orgA', grpc: '127.0.0.1:0', http: '127.0.0.1:0' });
    original = readFileSync(config, 'utf8').replace('level: info', 'level: silent');
  });

  /** The store is free: nobody has it open. */
  async function opensStore(): Promise<void> {
    const store = await Store.open(join(home, 'state', 'store'));
    await store.close();
  }

  it('listens where it says, and leaves nothing behind when it stops', async () => {
    const node = await start();
    const { http, grpc } = node.listening;
    match(grpc!, /^127\.0\.0\.1:\d+$/);
    equal((await fetch(`${http}/healthz`)).status, 200);
    equal((await fetch(`${http}/api/v1/tokens`)).status, 401);
    await rejects(Store.open(join(home, 'state', 'store')), { code: 'LOCKED' });
    await node.stop();
    await rejects(fetch(`${http}/healthz`));
    await opensStore();
    await node.stop(); // again: nothing left to do
  });

  it('undoes what it started when it cannot go on', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    try {
      // gRPC first, then HTTP, with all that comes before it.
      for (const line of ['grpc', 'http']) {
        const change = [`${line}: "127.0.0.1:0"`, `${line}: "127.0.0.1:${port}"`] as const;
        await rejects(start(change), { code: 'EADDRINUSE' });
        await opensStore();
      }
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });

  it('removes what tasks of an earlier process had on the disk for want of memory', async () => {
    const spill = join(home, 'state', 'spill');
    mkdirSync(join(spill, 'ab'.repeat(32)), { recursive: true });
    writeFileSync(join(spill, 'ab'.repeat(32), '0.bin'), 'items');
    const node = await start();
    equal(existsSync(spill), false);
    await node.stop();
  });

  it('does not start twice on one folder', async () => {
    const node = await start();
    await rejects(startNode(config), { code: 'LOCKED' });
    equal((await fetch(`${node.listening.http}/healthz`)).status, 200);
    await node.stop();
  });

  it('must be who the configuration says', async () => {
    await rejects(start(['name: "orgA"', 'name: "orgB"']), /is the identity of orgA, but .* orgB$/);
    await rejects(start(['roots: [data]', 'roots: [none]']), /data\.roots: .* is not a folder/);
    rmSync(join(home, 'identity', 'identity.key'));
    await rejects(start(), /identity\.key/);
  });
});
