import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { cosigner, rawPublicKey } from '../../src/party/audit/note-key.ts';
import {
  COSIGNATURE_V1,
  formatVerifierKey,
  parseNote,
  signatureBy,
  withSignature,
} from '../../src/party/audit/signed-note.ts';
import { runInProcess } from '../support/cli-run.ts';
import { PLANTED_VALUES, plantedFeatures, plantedLabelled } from '../support/planted-tables.ts';
import { endedTask, postTrain, putData, runningPair } from '../support/running-pair.ts';
import { csvText, scratchFolder } from '../support/scratch-folder.ts';
import { found } from '../support/secrets.ts';

describe('e2e: evidence of a training', function () {
  this.timeout(120_000);
  const pair = runningPair();
  const folder = scratchFolder();
  let taskId = '';
  const path = (name: string): string => join(folder.path, name);
  const nodes = (): readonly Organisation[] => [pair.a, pair.b];
  const audit = (...argv: string[]) => runInProcess(['audit', ...argv]);
  const bundle = (node: Organisation): string => path(`${node.name}.jsonl`);

  async function exportBoth(...flags: string[]): Promise<void> {
    for (const node of nodes()) {
      const { code, err } = await audit(
        ...['export', '--task', taskId, '--out', bundle(node), '--force'],
        ...[...flags, '--config', node.config],
      );
      equal(code, 0, err);
    }
  }

  before('train, and stop the nodes', async () => {
    const [own, other] = [plantedLabelled(), plantedFeatures()];
    putData(pair.a, 'a.csv', csvText([own.header, ...own.rows]));
    putData(pair.b, 'b.csv', csvText([other.header, ...other.rows.toReversed()]));
    const provider = (name: string, data_path: string, change: object = {}) => ({
      name,
      data_path,
      data_type: 'csv',
      key_column: 'id',
      discrete_cols: ['city'],
      ...change,
    });
    const trained = await postTrain(pair.a, {
      data_providers: [
        provider('orgA', 'a.csv', { label_column: 'amount' }),
        provider('orgB', 'b.csv'),
      ],
      result_receivers: ['orgB'],
      algorithm: 'linear_regression',
      metrics: ['rmse', 'r2'],
      hyper_params: { epochs: 5 },
    });
    equal(trained.status, 200, trained.msg);
    taskId = (JSON.parse(trained.result!.extra as string) as { task_id: string }).task_id;
    for (const node of nodes()) await endedTask(node, taskId);
    deepEqual(await Promise.all([pair.a.stop(), pair.b.stop()]), [0, 0]);
    for (const node of nodes()) {
      const { out } = await audit('keys', '--config', node.config);
      writeFileSync(path(`${node.name}.keys`), out);
    }
  });

  const trust = (): string[] => nodes().flatMap(({ name }) => ['--trust', path(`${name}.keys`)]);

  it('is verified at both parties, and reconciled', async () => {
    await exportBoth('--openings');
    for (const node of nodes()) {
      const { code, out, err } = await audit('verify', bundle(node), ...trust());
      equal(code, 0, `${out}${err}`);
      match(out, /VERIFIED: nothing is wrong/);
    }
    for (const [file, expected] of [
      ['a.csv', 0],
      ['b.csv', 5],
    ] as const) {
      const brought = join(pair[file === 'a.csv' ? 'a' : 'b'].directory, 'data', file);
      const held = await audit('verify', bundle(pair.a), ...trust(), '--data', brought);
      equal(held.code, expected, `${held.out}${held.err}`);
      match(held.out, expected === 0 ? /; yours is this file\n/ : /file_differs: /);
    }
    const [a, b] = [bundle(pair.a), bundle(pair.b)];
    const { code, out, err } = await audit('reconcile', a, b, ...trust());
    equal(code, 0, `${out}${err}`);
    match(out, /RECONCILED: both parties tell the same story/);
  });

  it('is shown in words', async () => {
    const { code, out } = await audit('show', '--task', taskId, '--config', pair.a.config);
    equal(code, 0);
    match(out, /#0 +contract: train linear_regression between orgA, orgB/);
    match(out, /opened 16 validation_scores to orgA/);
    const none = await audit('show', '--task', '0'.repeat(64), '--config', pair.a.config);
    equal(none.code, 1);
    equal((await audit('show')).code, 2);
  });

  it('comes from a running node as well, and a regulator confirms its log', async () => {
    const { config, http } = pair.a;
    const witness = generateKeyPairSync('ed25519');
    const publicKey = rawPublicKey(witness.publicKey);
    const key = formatVerifierKey({ name: 'regulator.example', type: COSIGNATURE_V1, publicKey });
    const before = readFileSync(config, 'utf8');
    const after = before.replace(
      'witnesses: []',
      `witnesses: [{ name: regulator, key: "${key}" }]`,
    );
    writeFileSync(config, after);
    const save = ['token', 'create', '--role', 'admin', '--save', '--config', config];
    equal((await runInProcess(save)).code, 0);
    await pair.a.start();
    const created = await runInProcess([
      ...['token', 'create', '--role', 'auditor', '--json', '--config', config],
    ]);
    const call = async (url: string, body?: object) => {
      const reply = await fetch(`http://${http}/api/v1/audit/${url}`, {
        method: body ? 'POST' : 'GET',
        headers: {
          authorization: `Bearer ${created.json.token as string}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const { result, msg } = (await reply.json()) as { result: object; msg: string };
      equal(reply.status, 200, msg);
      return result as { note: string; witnesses?: string[] };
    };
    const { note } = await call('checkpoint');
    const cosign = cosigner('regulator.example', witness.privateKey, () => 1_700_000_000);
    const line = signatureBy(cosign, parseNote(note).text);
    const { witnesses } = await call('cosignatures', { note: withSignature(note, line) });
    deepEqual(witnesses, ['regulator']);

    const out = path('running.jsonl');
    const exported = await audit('export', '--task', taskId, '--out', out, '--config', config);
    equal(exported.code, 0, exported.err);
    match(
      (await audit('show', '--task', taskId, '--config', config)).out,
      /result of orgB: completed/,
    );
    const all = path('all.jsonl');
    equal((await audit('export', '--all', '--out', all, '--config', config)).code, 0);
    await pair.a.stop();
    const file = path('regulator.keys');
    const format = 'entente/keys/v1';
    writeFileSync(
      file,
      JSON.stringify({ format, parties: [], witnesses: [{ name: 'regulator', key }] }),
    );
    for (const bundled of [out, all]) {
      const verified = await audit('verify', bundled, ...trust(), '--trust', file);
      equal(verified.code, 0, `${verified.out}${verified.err}`);
      match(verified.out, /regulator {2}\d+ entries {2}2023-11-14T22:13:20\.000Z/);
    }
  });

  it('holds none of the parties’ values and keys', async () => {
    await exportBoth('--openings');
    const secrets = nodes().flatMap((node) =>
      ['identity/identity.key', 'state/log.key'].flatMap((path) =>
        secretForms(join(node.directory, path)),
      ),
    );
    for (const node of nodes()) {
      const bytes = readFileSync(bundle(node));
      deepEqual(found(bytes, [...PLANTED_VALUES, ...secrets]), [], node.name);
      ok(found(bytes, [taskId]).length > 0, 'the scan finds what is there');
    }
  });
});

/** A private key as it may stand in a text. */
function secretForms(file: string): readonly string[] {
  const pem = readFileSync(file, 'utf8');
  const { d } = createPrivateKey(pem).export({ format: 'jwk' });
  const raw = Buffer.from(d!, 'base64url');
  return [raw.toString('hex'), raw.toString('base64'), d!, pem.split('\n')[1]!];
}
