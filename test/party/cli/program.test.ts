import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningNode } from '../../../src/party/cli/command.ts';
import { runCli } from '../../../src/party/cli/program.ts';
import { loadConfig } from '../../../src/party/config.ts';
import { createIdentity, loadIdentity, saveIdentity } from '../../../src/party/identity.ts';
import { parsePolicy } from '../../../src/party/policy-file.ts';
import { Store } from '../../../src/party/store.ts';
import { storedTokens } from '../../../src/party/tokens.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What --json printed. */
  readonly json: Record<string, unknown>;
}

async function run(
  argv: readonly string[],
  startNode: (configPath: string) => Promise<RunningNode> = () =>
    Promise.reject(new Error('no node in this test')),
  env: Record<string, string> = {},
): Promise<Run> {
  let out = '';
  let err = '';
  const code = await runCli(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env,
    untilStopped: () => Promise.resolve(),
    startNode,
  });
  const json = out.startsWith('{') ? (JSON.parse(out) as Record<string, unknown>) : {};
  return { code, out, err, json };
}

/** A new node, its folder and configuration. */
async function withNode(use: (dir: string, config: string) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (parent) => {
    const dir = join(parent, 'node');
    const { code, err } = await run(['init', dir, '--name', 'orgA']);
    equal(code, 0, err);
    await use(dir, join(dir, 'entente.yaml'));
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

describe('command line', () => {
  it('init creates identity, configuration, policy and folders', async () => {
    await withTemporaryDirectory(async (parent) => {
      const dir = join(parent, 'node');
      const { code, json } = await run(['init', dir, '--name', 'orgA', '--json']);
      equal(code, 0);
      const identity = await loadIdentity(join(dir, 'identity'));
      equal(identity.name, 'orgA');
      equal(json.fingerprint, identity.fingerprint);
      equal(json.config, join(dir, 'entente.yaml'));
      for (const folder of ['identity', 'peers', 'data', 'state', 'results']) {
        equal((await stat(join(dir, folder))).mode & 0o777, 0o700, folder);
      }
      deepEqual(parsePolicy(await readFile(join(dir, 'policy.yaml'), 'utf8')).rules, []);
    });
  });

  it('init shows a policy rule that is one, once uncommented', async () => {
    await withNode(async (dir) => {
      const sample = await readFile(join(dir, 'policy.yaml'), 'utf8');
      const uncommented = sample.replace('rules: []\n', '').replaceAll(/^# (?= |rules:)/gm, '');
      equal(parsePolicy(uncommented).rules.length, 1);
    });
  });

  it('init opens HTTP beyond the machine only behind a proxy', async () => {
    await withTemporaryDirectory(async (parent) => {
      const dir = join(parent, 'node');
      const argv = ['init', dir, '--name', 'orgA', '--http', '0.0.0.0:80', '--allow-plaintext'];
      equal((await run(argv)).code, 0);
      const { http, listen } = await loadConfig(join(dir, 'entente.yaml'), {});
      deepEqual([http.allowPlaintext, listen.http.host], [true, '0.0.0.0']);
    });
  });

  it('init overwrites nothing', async () => {
    await withNode(async (dir, config) => {
      const before = await readFile(config, 'utf8');
      const { code, err } = await run(['init', dir, '--name', 'orgB']);
      equal(code, 1);
      match(err, /is not empty\n {2}name a new folder/);
      equal(await readFile(config, 'utf8'), before);
    });
  });

  it('init refuses names and addresses that cannot work, before it creates anything', async () => {
    await withTemporaryDirectory(async (parent) => {
      const dir = join(parent, 'node');
      const cases = [
        ['--name', 'org A'],
        ['--name', ''],
        ['--name', 'orgA', '--grpc', '7443'],
        ['--name', 'orgA', '--http', 'localhost:70000'],
        ['--name', 'orgA', '--http', '0.0.0.0:80'],
      ];
      for (const options of cases) {
        const { code, err } = await run(['init', dir, ...options]);
        equal(code, 1, options.join(' '));
        match(err, /^error: .*\n {2}\S/);
        equal(await exists(dir), false);
      }
    });
  });

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
        [['orgB', 'b:1', '--certificate', join(dir, 'none')], /none cannot be read/],
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

  it('token create prints a token that the node takes; list and revoke know it', async () => {
    await withNode(async (dir, config) => {
      const argv = ['--config', config, '--json'];
      const created = await run(['token', 'create', '--role', 'auditor', '--label', 'x', ...argv]);
      equal(created.code, 0, created.err);
      const { token, id } = created.json as Record<string, string>;
      const verify = async (): Promise<unknown> => {
        const store = await Store.open(join(dir, 'state/store'));
        const caller = await storedTokens(store, systemRng).verify(token!);
        await store.close();
        return caller;
      };
      deepEqual(await verify(), { id, role: 'auditor' });
      const listed = await run(['token', 'list', ...argv]);
      deepEqual(
        (listed.json.tokens as Record<string, string>[]).map((each) => [each.id, each.label]),
        [[id, 'x']],
      );
      ok(!listed.out.includes(token!));
      equal((await run(['token', 'revoke', id!, ...argv])).code, 0);
      equal(await verify(), null);
      const again = await run(['token', 'revoke', id!, '--config', config]);
      equal(again.code, 1);
      match(again.err, /there is no token/);
    });
  });

  it('token create says what to do while the node runs, and about unknown roles', async () => {
    await withNode(async (dir, config) => {
      const store = await Store.open(join(dir, 'state/store'));
      const argv = ['token', 'create', '--config', config, '--role'];
      const locked = await run([...argv, 'admin']);
      await store.close();
      equal(locked.code, 1);
      match(locked.err, /the node is running/);
      const { code, err } = await run([...argv, 'root']);
      equal(code, 1);
      match(err, /use one of coordinator, auditor, admin/);
    });
  });

  it('node runs until it is asked to end, and stops what it started', async () => {
    const calls: string[] = [];
    const startNode = async (path: string): Promise<RunningNode> => {
      calls.push(`start ${path}`);
      return {
        listening: { http: 'http://127.0.0.1:8080' },
        stop: async () => void calls.push('stop'),
      };
    };
    const { code, out } = await run(['node', '--config', 'a.yaml'], startNode);
    equal(code, 0);
    equal(out, 'http: http://127.0.0.1:8080\n');
    deepEqual(calls, ['start a.yaml', 'stop']);
    const failed = await run(['node', '--json']);
    deepEqual([failed.code, failed.out], [1, '']);
    deepEqual(JSON.parse(failed.err), { error: { message: 'no node in this test', hint: null } });
  });

  it('exits with 2 on wrong usage and with 0 on help', async () => {
    for (const argv of [['inti'], ['init'], ['init', 'x'], ['token', 'create'], ['peer'], []]) {
      const { code, out, err } = await run(argv);
      equal(code, 2, argv.join(' '));
      ok(err.length > 0, argv.join(' '));
      equal(out, '');
    }
    const help = await run(['--help']);
    equal(help.code, 0);
    match(help.out, /peer .*\n/);
    equal((await run(['token', 'create', '--help'])).code, 0);
  });

  it('names a configuration that is missing, unreadable or wrong', async () => {
    await withNode(async (dir, config) => {
      const shown = async (path: string): Promise<string> => {
        const { code, err } = await run(['peer', 'show', '--config', path]);
        equal(code, 1);
        return err;
      };
      match(await shown(join(dir, 'none.yaml')), /none\.yaml: cannot be read.*\n {2}name another/);
      await writeFile(config, 'name: 7\nextra: 1\n');
      const both = await shown(config);
      match(both, /name expected the organisation/);
      match(both, /extra is not a known key/);
    });
  });

  it('takes configuration from the environment', async () => {
    await withNode(async (dir, config) => {
      const named = await run(['peer', 'show', '--json'], undefined, { ENTENTE_CONFIG: config });
      equal(named.json.name, 'orgA');
      await writeFile(join(dir, 'b.crt'), (await createIdentity('orgB')).certificatePem);
      const argv = ['peer', 'add', 'orgB', 'b:1', '--certificate', join(dir, 'b.crt')];
      const env = { ENTENTE_CONFIG: config, ENTENTE_PEERS: '[]' };
      const overridden = await run(argv, undefined, env);
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
      const { json, err } = await run(['peer', 'show', '--json'], undefined, env);
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
});
