import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Organisation, openPolicy } from '../../examples/organisation.ts';
import { createIdentity } from '../../src/party/identity.ts';
import { parsePolicy } from '../../src/party/policy-file.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

describe('e2e: an organisation’s node', function () {
  this.timeout(60_000);
  const folder = scratchFolder();
  let organisation: Organisation;

  before(async () => {
    organisation = await Organisation.create({ name: 'orgA', directory: join(folder.path, 'a') });
  });
  after(() => organisation.stop());

  it('is not running before it is started', async () => {
    equal(await organisation.stop(), null);
    equal(await organisation.client.isHealthy(), false);
    equal(await organisation.log(), '');
  });

  it('says why it does not start', async () => {
    const text = readFileSync(organisation.config, 'utf8');
    appendFileSync(organisation.config, 'colour: blue\n');
    await rejects(organisation.start(), (error) => {
      ok(error instanceof Error);
      match(error.message, /^node orgA did not start:\n[\s\S]*colour is not a known key/);
      return true;
    });
    writeFileSync(organisation.config, text);
  });

  it('starts, locks its store, and stops in order as often as asked', async () => {
    await organisation.start();
    await rejects(
      organisation.cli('node'),
      /another node uses .*\n {2}is this node running already/,
    );
    const { tokens } = (await organisation.cli('token', 'list', '--json')) as {
      tokens: { role: string }[];
    };
    deepEqual(tokens.map(({ role }) => role).sort(), ['admin', 'coordinator']);
    const certificate = join(folder.path, 'orgB.crt');
    writeFileSync(certificate, (await createIdentity('orgB')).certificatePem);
    const pin = ['peer', 'add', 'orgB', '127.0.0.1:1', '--certificate', certificate, '--json'];
    const { live } = (await organisation.cli(...pin)) as { live: boolean };
    equal(live, true, 'without a restart');
    deepEqual(await organisation.client.dataProviders(), ['orgA', 'orgB']);
    await organisation.cli('peer', 'remove', 'orgB');
    deepEqual(await organisation.client.dataProviders(), ['orgA']);
    ok((await organisation.peakRssMb()) > 0 || process.platform !== 'linux');
    equal(await organisation.stop('SIGINT'), 0);
    equal(await organisation.stop(), 0);
    match(await organisation.log(), /"msg":"node stopped"/);
  });

  it('has an open policy only if it is given one', () => {
    const { rules } = parsePolicy(openPolicy(['orgA', 'orgB']));
    equal(rules.length, 1);
    const sample = readFileSync(join(organisation.directory, 'policy.yaml'), 'utf8');
    equal(parsePolicy(sample).rules.length, 0);
  });
});
