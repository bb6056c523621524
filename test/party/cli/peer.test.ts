import { deepEqual, equal, match } from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../src/party/config.ts';
import { createIdentity, saveIdentity } from '../../../src/party/identity.ts';
import { type CliRun, exists, runInProcess, setHttpPort, withNode } from '../../support/cli-run.ts';
import { startFakeNode } from '../../support/fake-node.ts';

function run(argv: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  return runInProcess(argv, { env });
}

describe('peer', () => {
  it('peer show and peer add pin each other by certificate', async () => {
    await withNode(async (dir, config) => {
      const other = join(dir, 'elsewhere');
      equal((await run(['init', other, '--name', 'orgB'])).code, 0);
      const shown = await run(['peer', 'show', '--config', join(other, 'entente.yaml'), '--json']);
      const { certificate, fingerprint } = shown.json as Record<string, string>;
      const spaced = fingerprint!.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
      const before = await readFile(config, 'utf8');
      const argv = ['peer', 'add', 'orgB', 'b.example:7443', '--certificate', certificate!];
      const added = await run([...argv, '--fingerprint', spaced, '--config', config, '--json']);
      equal(added.code, 0, added.err);
      equal(added.json.fingerprint, fingerprint);
      equal(
        await readFile(join(dir, 'peers/orgB.crt'), 'utf8'),
        await readFile(certificate!, 'utf8'),
      );
      const text = await readFile(config, 'utf8');
      match(
        text,
        /peers:\n {2}- name: orgB\n {4}address: b\.example:7443\n {4}certificate: peers\/orgB\.crt\n {4}fingerprint: [0-9a-f]{64}\n/,
      );
      const pinned = await loadConfig(config, {});
      deepEqual(pinned.peers, [
        {
          name: 'orgB',
          address: 'b.example:7443',
          certificate: join(dir, 'peers/orgB.crt'),
          fingerprint,
        },
      ]);
      const lines = new Set(text.split('\n'));
      const lost = before.split('\n').filter((line) => !lines.has(line));
      deepEqual(lost, ['peers: []']);

      const again = await run([...argv, '--config', config]);
      equal(again.code, 1);
      match(again.err, /orgB is pinned already/);
      equal(await readFile(config, 'utf8'), text);
    });
  });

  it('peer add refuses what does not fit, and leaves no trace', async () => {
    await withNode(async (dir, config) => {
      const orgB = await createIdentity('orgB');
      const certificate = join(dir, 'b.crt');
      await writeFile(certificate, orgB.certificatePem);
      const key = join(dir, 'b.key');
      await writeFile(key, orgB.privateKeyPem());
      const before = await readFile(config, 'utf8');
      const own = join(dir, 'identity/identity.crt');
      const cases: [argv: string[], message: RegExp][] = [
        [['orgC', 'b:1', '--certificate', certificate], /its certificate names "orgB"/],
        [['orgB', 'b', '--certificate', certificate], /its address is not host:port/],
        [['orgB', 'b:1', '--certificate', key], /holds a private key/],
        [['orgB', 'b:1', '--certificate', config], /its certificate cannot be read/],
        [['orgB', 'b:1', '--certificate', join(dir, 'none')], /none does not exist/],
        [['org B', 'b:1', '--certificate', certificate], /cannot be the name of a party/],
        [['orgA', 'b:1', '--certificate', own], /orgA is this node itself/],
        [
          ['orgB', 'b:1', '--certificate', certificate, '--fingerprint', 'ab'.repeat(32)],
          /has fingerprint [0-9a-f]{64}, not abab/,
        ],
      ];
      for (const [argv, message] of cases) {
        const { code, err } = await run(['peer', 'add', ...argv, '--config', config]);
        equal(code, 1, err);
        match(err, message);
        equal(await readFile(config, 'utf8'), before);
        equal(await exists(join(dir, 'peers/orgB.crt')), false);
      }
    });
  });

  it('takes configuration from the environment', async () => {
    await withNode(async (dir, config) => {
      const named = await run(['peer', 'show', '--json'], { ENTENTE_CONFIG: config });
      equal(named.json.name, 'orgA');
      await writeFile(join(dir, 'b.crt'), (await createIdentity('orgB')).certificatePem);
      const argv = ['peer', 'add', 'orgB', 'b:1', '--certificate', join(dir, 'b.crt')];
      const env = { ENTENTE_CONFIG: config, ENTENTE_PEERS: '[]' };
      const overridden = await run(argv, env);
      equal(overridden.code, 1);
      match(overridden.err, /add the peer to ENTENTE_PEERS/);
      equal(await exists(join(dir, 'peers/orgB.crt')), false);
    });
  });

  it('opens a sealed key with the passphrase file', async () => {
    await withNode(async (dir, config) => {
      await rm(join(dir, 'identity'), { recursive: true });
      const identity = await createIdentity('orgA');
      await saveIdentity(join(dir, 'identity'), identity, { passphrase: 'open sesame' });
      await writeFile(join(dir, 'secret'), 'open sesame\n');
      const env = { ENTENTE_CONFIG: config, ENTENTE_IDENTITY_PASSPHRASE_FILE: 'secret' };
      const { json, err } = await run(['peer', 'show', '--json'], env);
      equal(json.fingerprint, identity.fingerprint, err);
    });
  });

  it('refuses a key that others can read', async () => {
    await withNode(async (dir, config) => {
      await chmod(join(dir, 'identity/identity.key'), 0o644);
      const { code, err } = await run(['peer', 'show', '--config', config]);
      equal(code, 1);
      match(err, /chmod 600/);
    });
  });

  it('pins nothing when the configuration cannot be written', async () => {
    await withNode(async (dir, config) => {
      const orgB = await createIdentity('orgB');
      await writeFile(join(dir, 'b.crt'), orgB.certificatePem);
      await mkdir(join(dir, '.entente.yaml.tmp'));
      const argv = ['peer', 'add', 'orgB', 'b:1', '--certificate', join(dir, 'b.crt')];
      equal((await run([...argv, '--config', config])).code, 1);
      equal(await exists(join(dir, 'peers/orgB.crt')), false);
      await rm(join(dir, '.entente.yaml.tmp'), { recursive: true });
      equal((await run([...argv, '--config', config])).code, 0);
    });
  });

  it('lists, shows and forgets what is pinned', async () => {
    await withNode(async (dir, config) => {
      const before = await readFile(config, 'utf8');
      const at = ['--config', config];
      match((await run(['peer', 'list', ...at])).out, /No peers yet/);
      const orgB = await createIdentity('orgB');
      await writeFile(join(dir, 'b.crt'), orgB.certificatePem);
      const add = ['peer', 'add', 'orgB', 'b:1', '--certificate', join(dir, 'b.crt'), ...at];
      const added = await run(add);
      match(added.out, /Compare this fingerprint with orgB.*\nThe node takes it up when it starts/);
      equal((await run(['peer', 'list', ...at])).out, `orgB  b:1  ${orgB.fingerprint}\n`);
      const listed = (await run(['peer', 'list', '--json', ...at])).json.peers as object[];
      const certificate = join(dir, 'peers/orgB.crt');
      const { fingerprint } = orgB;
      deepEqual(listed, [{ name: 'orgB', address: 'b:1', fingerprint, certificate }]);
      const shown = await run(['peer', 'show', 'orgB', '--json', ...at]);
      deepEqual(shown.json, { name: 'orgB', address: 'b:1', fingerprint, certificate });

      const removed = await run(['peer', 'remove', 'orgB', ...at, '--json']);
      deepEqual(removed.json, { removed: 'orgB', live: false });
      equal(await exists(certificate), false);
      equal(await readFile(config, 'utf8'), before);
      for (const command of ['show', 'remove']) {
        const { code, err } = await run(['peer', command, 'orgB', ...at]);
        deepEqual([code, err], [1, 'error: orgB is no peer of orgA\n  the peers are: none\n']);
      }
    });
  });

  it('tells a running node of the change with the token of this machine', async () => {
    await withNode(async (dir, config) => {
      const node = await startFakeNode();
      await setHttpPort(config, node.port);
      await writeFile(join(dir, 'b.crt'), (await createIdentity('orgB')).certificatePem);
      const at = ['--config', config];
      const add = ['peer', 'add', 'orgB', 'b:1', '--certificate', join(dir, 'b.crt'), ...at];
      node.answers.set('POST /api/v1/peers/reload', { result: { peers: [] } });
      const elsewhere = { ENTENTE_URL: 'http://other.example', ENTENTE_TOKEN: 'entente_other' };
      match((await run(add, elsewhere)).out, /The running node knows it\.\n$/);
      const token = (await readFile(join(dir, 'state/operator.token'), 'utf8')).trim();
      deepEqual(
        node.calls.map((call) => [call.path, call.token]),
        [['/api/v1/peers/reload', token]],
      );
      node.answers.set('POST /api/v1/peers/reload', { status: 500, msg: 'no' });
      match((await run(['peer', 'remove', 'orgB', ...at])).out, /Restart the node to use it: no/);
      await node.close();
    });
  });
});
