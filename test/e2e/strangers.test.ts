import { equal, match, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { Organisation, openPolicy } from '../../examples/organisation.ts';
import type { SessionError } from '../../src/party/errors.ts';
import { loadIdentity } from '../../src/party/identity.ts';
import type { PeerRecord } from '../../src/party/peers.ts';
import { pullFrames } from '../../src/party/transport/data-plane.ts';
import { jointTables } from '../support/joint-tables.ts';
import {
  eventually,
  postTrain,
  proposedTasks,
  putData,
  runningPair,
} from '../support/running-pair.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

function request(...names: readonly [string, string]): object {
  const provider = (name: string) => ({
    name,
    data_path: 'people.csv',
    data_type: 'csv',
    key_column: 'id',
    label_column: 'y',
    select_columns: ['f1', 'f2'],
  });
  return {
    data_providers: names.map(provider),
    result_receivers: [names[0]],
    metrics: ['auc'],
    hyper_params: { epochs: 2 },
  };
}

describe('e2e: strangers', function () {
  this.timeout(120_000);
  const pair = runningPair();
  const folder = scratchFolder();
  const table = jointTables({ common: 60, label: 'binary' });
  const strangers: Organisation[] = [];

  /** An organisation that pins orgA, whom orgA does not pin. */
  async function stranger(name: string, directory: string, env = {}): Promise<Organisation> {
    const organisation = await Organisation.create({
      name,
      directory: join(folder.path, directory),
      policy: openPolicy([name, 'orgA']),
      env,
    });
    await organisation.trust(pair.a);
    await organisation.start();
    strangers.push(organisation);
    putData(organisation, 'people.csv', table.labelled);
    return organisation;
  }

  const recordOf = async (node: Organisation): Promise<PeerRecord> => {
    const { name, fingerprint, certificatePem } = await loadIdentity(
      join(node.directory, 'identity'),
    );
    return { name, fingerprint, certificatePem, address: node.grpc };
  };

  /** The codes with which a node says it refused connections. */
  const refusals = async (node: Organisation): Promise<string[]> =>
    [...(await node.log()).matchAll(/"code":"(\w+)".*"connection refused"/g)].map(
      ([, code]) => code!,
    );

  before(() => {
    putData(pair.a, 'people.csv', table.labelled);
    putData(pair.b, 'people.csv', table.features);
  });
  after('stop the strangers', () => Promise.all(strangers.map((each) => each.stop())));

  it('are told that they are not accepted', async () => {
    const outsider = await stranger('orgC', 'outsider');
    const answer = await postTrain(outsider, request('orgC', 'orgA'));
    equal(answer.status, 500);
    match(
      answer.msg,
      /^orgA cannot be reached: orgA at .* does not accept this node's certificate$/,
    );
    ok((await refusals(pair.a)).includes('UNKNOWN_PEER'));
  });

  it('cannot use the name of a pinned party with another key, at its address or not', async () => {
    equal(await pair.b.stop(), 0);
    const impostor = await stranger('orgB', 'impostor', { ENTENTE_LISTEN_GRPC: pair.b.grpc });
    const calling = await postTrain(impostor, request('orgB', 'orgA'));
    equal(calling.status, 500);
    match(calling.msg, /^orgA cannot be reached: .* does not accept this node's certificate$/);
    ok((await refusals(pair.a)).includes('WRONG_KEY'));

    const called = await postTrain(pair.a, request('orgA', 'orgB'));
    equal(called.status, 500);
    match(called.msg, /^orgB cannot be reached: .*a certificate for orgB with key .*; pinned is /);
    equal(await impostor.stop(), 0);
    await pair.b.start();
  });

  it('get no frames, as a pinned party without a session gets none', async () => {
    const identity = await loadIdentity(join(pair.b.directory, 'identity'));
    const hello = {
      session: new Uint8Array(32).fill(7),
      attempt: 1,
      next: 0n,
      mac: new Uint8Array(32),
      stream: 1,
    };
    const frames: Uint8Array[] = [];
    let ended: SessionError | undefined;
    const source = pullFrames(
      identity,
      await recordOf(pair.a),
      hello,
      (frame) => frames.push(frame),
      (end) => {
        if (end.kind === 'refused') ended ??= end.error;
      },
    );
    try {
      const { code } = await eventually('the end of the stream', async () => ended);
      equal(code, 'NO_SESSION');
      equal(frames.length, 0);
    } finally {
      source.close();
    }
  });

  it('leave the others at work, and no trace among the tasks', async () => {
    const answer = await postTrain(pair.a, request('orgA', 'orgB'));
    equal(answer.status, 200, answer.msg);
    equal((await proposedTasks(pair.a)).length, 1);
    ok(!(await pair.a.log()).includes('orgC'));
  });
});
