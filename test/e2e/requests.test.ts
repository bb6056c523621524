import { equal, match } from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { openPolicy } from '../../examples/organisation.ts';
import { jointTables } from '../support/joint-tables.ts';
import { type Answer, postTrain, putData, runningPair } from '../support/running-pair.ts';

interface Provider {
  readonly data_path?: string;
  readonly label_column?: string | null;
  readonly key_column?: string | null;
  readonly select_columns?: readonly string[] | null;
  readonly discrete_cols?: readonly string[];
  readonly discrete_columns?: readonly string[];
}

function request(a: Provider, b: Provider, change: object = {}): object {
  const provider = (name: string, own: Provider) => ({
    name,
    data_path: 'people.csv',
    data_type: 'csv',
    key_column: 'id',
    select_columns: ['f1', 'f2'],
    ...own,
  });
  return {
    data_providers: [provider('orgA', { label_column: 'y', ...a }), provider('orgB', b)],
    result_receivers: ['orgA'],
    algorithm: 'logistic_regression',
    hyper_params: { epochs: 2 },
    ...change,
  };
}

function refuses(answer: Answer, status: number, msg: RegExp): void {
  match(answer.msg, msg);
  equal(answer.status, status, answer.msg);
  equal(answer.result, null);
}

describe('e2e: requests that cannot be met', function () {
  this.timeout(120_000);
  const pair = runningPair();
  const OPEN = openPolicy(['orgA', 'orgB']);

  const setPolicy = (node: Organisation, yaml: string): void =>
    writeFileSync(join(node.directory, 'policy.yaml'), yaml);

  const post = (a: Provider, b: Provider, change: object = {}): Promise<Answer> =>
    postTrain(pair.a, request(a, b, change));

  before(() => {
    const table = jointTables({ common: 60, apart: 5, label: 'binary' });
    putData(pair.a, 'people.csv', table.labelled);
    putData(pair.b, 'people.csv', table.features);
    putData(pair.b, 'labelled.csv', table.labelled);
    writeFileSync(join(pair.b.directory, 'outside.csv'), table.features);
    symlinkSync('../outside.csv', join(pair.b.directory, 'data', 'link.csv'));
  });

  it('refuses what is no request', async () => {
    const text = JSON.stringify(request({}, {}));
    const literal = text.replace('"algorithm"', '"model_config":{""},"algorithm"');
    refuses(await postTrain(pair.a, literal), 400, /^the request body is not valid JSON$/);
    refuses(await postTrain(pair.a, text.slice(0, -1)), 400, /not valid JSON/);
    refuses(await post({}, {}, { model_config: '{""}' }), 400, /^model_config /);
    refuses(await post({}, {}, { hyper_params: '{""}' }), 400, /^hyper_params /);
    refuses(await post({}, {}, { metrics: ['beauty'] }), 400, /^metrics\[0\] must be one of/);
    refuses(await post({ select_columns: [] }, {}), 400, /data_providers\[0\]\.select_columns/);
    refuses(
      await post({}, { discrete_cols: ['f1'], discrete_columns: ['f2'] }),
      400,
      /^data_providers\[1\]\.discrete_cols and .*discrete_columns are the same field and differ$/,
    );
  });

  it('serves coordinators it knows', async () => {
    const header = (authorization: string) => postTrain(pair.a, request({}, {}), { authorization });
    refuses(await header('Bearer entente-nobody'), 401, /the token is not valid/);
    refuses(await header(`Basic ${pair.a.token}`), 401, /Authorization: Bearer/);
    // A token is its node's alone.
    refuses(await header(`Bearer ${pair.b.token}`), 401, /the token is not valid/);
  });

  it('names the party that is unknown, absent or without data', async () => {
    const providers = (...names: string[]) =>
      names.map((name) => ({ name, data_path: 'people.csv', data_type: 'csv', label_column: 'y' }));
    const train = (names: string[], receivers: string[]) =>
      postTrain(pair.a, { data_providers: providers(...names), result_receivers: receivers });
    refuses(await train(['orgA', 'orgX'], ['orgA']), 400, /^orgX is no party that orgA knows/);
    refuses(await train(['orgA', 'orgB'], ['orgX']), 400, /^orgX is no party that orgA knows/);
    refuses(await train(['orgB'], ['orgB']), 400, /^orgA is not among data_providers/);
    refuses(await train(['orgA'], ['orgB']), 400, /orgB, which provides no data/);
  });

  it('lets the owner refuse a file that it does not share', async () => {
    for (const path of ['/etc/passwd', 'link.csv']) {
      const answer = await post({}, { data_path: path });
      refuses(answer, 400, /^orgB: .*: outside the folders this node shares$/);
    }
    // No policy pattern matches a path that climbs.
    for (const path of ['../outside.csv', 'sub/../../outside.csv']) {
      refuses(await post({}, { data_path: path }), 500, /^orgB: the policy does not allow it$/);
      refuses(await post({ data_path: path }, {}), 500, /^orgA: the policy does not allow it$/);
    }
    refuses(await post({}, { data_path: 'none.csv' }), 400, /^orgB: none\.csv: no such dataset$/);
    refuses(await post({ data_path: 'none.csv' }, {}), 400, /^orgA: none\.csv: no such dataset$/);
    refuses(await post({}, { data_path: 'file:people.csv' }), 400, /^orgB: .*not URLs$/);
  });

  it('says which column is missing or unusable, and where', async () => {
    refuses(await post({}, { select_columns: ['f9'] }), 400, /^orgB: people\.csv: no column f9$/);
    refuses(await post({ key_column: 'key' }, {}), 400, /^orgA: people\.csv: no column key$/);
    refuses(await post({ label_column: 'z' }, {}), 400, /^orgA: people\.csv: no column z$/);
    // Also when the request selects none, of the node's own file.
    refuses(
      await post({ label_column: 'z', select_columns: null }, {}),
      400,
      /^orgA: people\.csv: no column z$/,
    );
    refuses(await post({ select_columns: ['f3'] }, {}), 400, /^orgA: people\.csv.*f3/);
    refuses(await post({ label_column: 'f1', select_columns: ['f2'] }, {}), 400, /^orgA: .*f1/);
    refuses(await post({}, { key_column: null }), 400, /key_column is missing at orgB/);
    refuses(
      await post({ key_column: null, data_path: 'short.csv' }, { key_column: null }),
      400,
      /^orgA: short\.csv: no such dataset$/,
    );
    putData(pair.a, 'short.csv', 'f1,f2,y\n1,2,0\n2,1,1\n3,5,0\n');
    refuses(
      await post({ key_column: null, data_path: 'short.csv' }, { key_column: null }),
      400,
      /^without key_column .* same number of rows: orgA has 3, orgB has 65$/,
    );
  });

  it('finds the label holder by the rules', async () => {
    const both = { label_column: 'y' };
    const labelled = { ...both, data_path: 'labelled.csv' };
    // Nobody has it.
    const named = { label_column: 'z' };
    refuses(
      await post(named, named),
      400,
      /^no provider names a label_column .*orgA: .*no column z; orgB: .*no column z$/,
    );
    // All have it, with the same features.
    refuses(await post({}, labelled), 400, /horizontal training is not available yet.*label_owner/);
    // All have it, with others.
    const other = { ...labelled, select_columns: ['f1'] };
    refuses(await post({}, other), 400, /^orgA, orgB have the label; say whose .*label_owner$/);
    const owned = await post({}, other, { label_owner: 'orgB' });
    equal(owned.status, 200, owned.msg);
    match(owned.result!.extra as string, /label_column of orgA is not used: orgB holds the label/);
    // One has it, though both name it, and even as a feature.
    const selected = { ...both, select_columns: ['f1', 'y'] };
    const one = await post(selected, selected);
    equal(one.status, 200, one.msg);
    match(one.result!.extra as string, /select_columns of orgB names its key or label/);
  });

  it('tells a party that the policy does not allow nothing about the data', async () => {
    setPolicy(pair.b, 'version: 1\nrules: []\n');
    const denied = /^orgB: the policy does not allow it$/;
    for (const provider of [
      {},
      { data_path: 'none.csv' },
      { data_path: '../outside.csv' },
      { select_columns: ['f9'] },
      { key_column: 'none' },
    ]) {
      refuses(await post({}, provider), 500, denied);
    }
    setPolicy(pair.b, 'version: 1\nrules: [\n');
    refuses(await post({}, {}), 500, denied);

    setPolicy(pair.b, OPEN.replace("allow: ['*']", "allow: ['*'], deny: [f2, secret]"));
    refuses(await post({}, {}), 500, denied);
    refuses(await post({}, { select_columns: ['secret'] }), 500, denied); // no such column
    refuses(await post({}, { select_columns: null, discrete_cols: ['f3'] }), 500, denied);
    const allowed = await post({}, { select_columns: ['f1'] });
    equal(allowed.status, 200, allowed.msg);
    setPolicy(pair.b, OPEN);
  });

  it('respects a policy that allows each column for one use', async () => {
    const strict = OPEN.replace("allow: ['*']", 'key: [id], label: [y], feature: [f1]');
    setPolicy(pair.a, strict);
    setPolicy(pair.b, strict);
    const both = { label_column: 'y', select_columns: ['f1'] };
    const answer = await post(both, both);
    equal(answer.status, 200, answer.msg);
    refuses(
      await post({ ...both, select_columns: ['f1', 'f2'] }, both),
      500,
      /^orgA: the policy does not allow it$/,
    );
    setPolicy(pair.a, OPEN);
    setPolicy(pair.b, OPEN);
  });

  it('ends a training on too few common records at both parties', async () => {
    const rows = (from: number, label: boolean) =>
      Array.from({ length: 20 }, (_, i) => `k${i + from},${(i * 7) % 5},${label ? i % 2 : i % 3}`);
    putData(pair.a, 'few.csv', `id,f1,y\n${rows(0, true).join('\n')}\n`);
    putData(pair.b, 'few.csv', `id,f1,f2\n${rows(12, false).join('\n')}\n`);
    const few = { data_path: 'few.csv', select_columns: ['f1'] };
    refuses(
      await post(few, few),
      500,
      /^org[AB]: the parties have fewer than 10 records in common: too few to train on$/,
    );
  });

  it('goes on to serve', async () => {
    const answer = await post({}, {});
    equal(answer.status, 200, answer.msg);
  });
});
