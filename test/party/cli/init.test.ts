import { deepEqual, equal, match } from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../src/party/config.ts';
import { loadIdentity } from '../../../src/party/identity.ts';
import { parsePolicy } from '../../../src/party/policy-file.ts';
import { Store } from '../../../src/party/store.ts';
import { storedTokens } from '../../../src/party/tokens.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { exists, runInProcess as run, withNode } from '../../support/cli-run.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

describe('init', () => {
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

  it('leaves a token for commands on this machine, which the node takes', async () => {
    await withNode(async (dir) => {
      const file = join(dir, 'state/operator.token');
      equal((await stat(file)).mode & 0o777, 0o600);
      const token = (await readFile(file, 'utf8')).trim();
      const store = await Store.open(join(dir, 'state/store'));
      const caller = await storedTokens(store, systemRng).verify(token);
      await store.close();
      equal(caller?.role, 'admin');
    });
  });
});
