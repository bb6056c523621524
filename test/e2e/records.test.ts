import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { decodeEntry } from '../../src/party/audit/entry.ts';
import { parseLine } from '../../src/party/audit/evidence/bundle.ts';
import { exportTask } from '../../src/party/audit/evidence/export.ts';
import { KEYS_FORMAT, partyKey, trustedKeys } from '../../src/party/audit/evidence/keys.ts';
import { reconcile } from '../../src/party/audit/evidence/reconcile.ts';
import { verifyBundle } from '../../src/party/audit/evidence/verify.ts';
import { openAudit } from '../../src/party/audit/open-audit.ts';
import { storedEvidence } from '../../src/party/audit/stored-evidence.ts';
import { readCertificate } from '../../src/party/certificate.ts';
import { loadConfig } from '../../src/party/config.ts';
import { canonicalDigest } from '../../src/party/consensus/canonical-json.ts';
import { certificateDigest, verifyCertificate } from '../../src/party/consensus/certificate.ts';
import { keyRingOf } from '../../src/party/consensus/key-ring.ts';
import { checkReceipt, transportMismatches } from '../../src/party/consensus/receipt-check.ts';
import { type ConsensusRecords, consensusRecords } from '../../src/party/consensus/records.ts';
import type { KeyRing } from '../../src/party/consensus/signature.ts';
import { type DisclosureRecord, disclosuresOf } from '../../src/party/disclosure-ledger.ts';
import type { LinearPart } from '../../src/party/models/linear-part.ts';
import type { LinearDocument } from '../../src/party/models/model-document.ts';
import { ModelRegistry } from '../../src/party/models/model-registry.ts';
import { identityOf, sealOf } from '../../src/party/node-identity.ts';
import { peerBook } from '../../src/party/peers.ts';
import { Store } from '../../src/party/store.ts';
import type { TaskView } from '../../src/party/tasks/task-view.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import {
  PLANTED,
  PLANTED_ROWS,
  PLANTED_VALUES,
  plantedFeatures,
  plantedLabelled,
} from '../support/planted-tables.ts';
import { endedTask, postTrain, putData, runningPair } from '../support/running-pair.ts';
import { csvText } from '../support/scratch-folder.ts';
import { filesBelow, found } from '../support/secrets.ts';

const STORED = [
  'contracts',
  'votes',
  'certificates',
  'offers',
  'receipts',
  'disclosures',
  'tasks',
  'models',
  'auditEntries',
  'auditCheckpoints',
  'auditWitnesses',
] as const;

describe('e2e: what a task leaves at the parties', function () {
  this.timeout(120_000);
  const pair = runningPair();
  /** Everything the nodes said over HTTP. */
  const answers: string[] = [];
  let taskId = '';

  const provider = (name: string, change: object = {}) => ({
    name,
    data_path: 'secret.csv',
    data_type: 'csv',
    key_column: 'id',
    discrete_cols: ['city'],
    ...change,
  });

  async function post(a: object = {}, b: object = {}) {
    const answer = await postTrain(pair.a, {
      data_providers: [provider('orgA', { label_column: 'amount', ...a }), provider('orgB', b)],
      result_receivers: ['orgB'],
      algorithm: 'linear_regression',
      metrics: ['rmse', 'r2'],
      hyper_params: { epochs: 5 },
    });
    answers.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  }

  before('train, be refused, and stop the nodes', async () => {
    const own = plantedLabelled();
    const { header, rows: theirs } = plantedFeatures();
    const [plantedKey, rate] = [PLANTED.keys[0], PLANTED.numbers[1]];
    putData(pair.a, 'secret.csv', csvText([own.header, ...own.rows]));
    putData(pair.b, 'secret.csv', csvText([header, ...theirs.toReversed()]));
    // The same with damage: a text among numbers, a key twice, an unclosed quote.
    putData(
      pair.b,
      'text.csv',
      csvText([header, ...theirs, [`${plantedKey}+`, PLANTED.level, PLANTED.level]]),
    );
    putData(pair.b, 'twice.csv', csvText([header, ...theirs, theirs[0]!]));
    putData(pair.b, 'quote.csv', `id,rate,city\n"${plantedKey},${rate},${PLANTED.level}\n`);

    const trained = await post();
    equal(trained.status, 200, trained.msg);
    taskId = (JSON.parse(trained.result!.extra as string) as { task_id: string }).task_id;
    for (const path of ['text.csv', 'twice.csv', 'quote.csv']) {
      const refused = await post({}, { data_path: path });
      equal(refused.status, 400, refused.msg);
    }
    const wrongLabel = await post({ label_column: 'city', discrete_cols: [] });
    equal(wrongLabel.status, 400, wrongLabel.msg);
    for (const node of [pair.a, pair.b]) {
      answers.push(JSON.stringify(await endedTask(node, taskId)));
    }
    deepEqual(await Promise.all([pair.a.stop(), pair.b.stop()]), [0, 0]);
  });

  async function withStore<T>(node: Organisation, use: (store: Store) => Promise<T>): Promise<T> {
    const store = await Store.open(join(node.directory, 'state', 'store'));
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  /** The same at both parties, each in turn. */
  async function atBoth<T>(
    use: (records: ConsensusRecords, node: Organisation, store: Store) => Promise<T>,
  ): Promise<readonly [T, T]> {
    const run = (node: Organisation) =>
      withStore(node, (store) => use(consensusRecords(store, Date.now), node, store));
    return [await run(pair.a), await run(pair.b)];
  }

  /** Both parties' keys, as an auditor has them from the certificates. */
  function keys(): KeyRing {
    const [a, b] = [pair.a, pair.b].map((node) => {
      const certificatePem = readFileSync(node.certificate, 'utf8');
      const { fingerprint } = readCertificate(certificatePem);
      return { name: node.name, address: node.grpc, certificatePem, fingerprint };
    });
    return keyRingOf(a!, () => peerBook([b!]));
  }

  it('the contract, the votes and the start certificate, the same at both', async () => {
    const [digestA, digestB] = await atBoth(async (records, node) => {
      const record = (await records.find(taskId))!;
      equal(record.state, 'finished');
      equal(canonicalDigest(record.contract), taskId);
      const { certificate, digest, committedAt } = (await records.certificate(taskId))!;
      deepEqual(certificate.contract, record.contract);
      equal(verifyCertificate(certificate, keys(), Date.parse(committedAt)), taskId);
      equal(certificateDigest(certificate), digest);
      deepEqual(
        certificate.votes.map(({ body }) => body.signer),
        ['orgA', 'orgB'],
      );
      const own = (await records.vote(taskId, node.name))!;
      equal(own.vote.signature, certificate.votes[node === pair.a ? 0 : 1]!.signature);
      notEqual(own.opening, null);
      return digest;
    });
    equal(digestA, digestB);
  });

  it('the receipts of both, which agree on every byte', async () => {
    await atBoth(async (records) => {
      const { contract } = (await records.certificate(taskId))!.certificate;
      const receipts = await records.receipts(taskId, 1);
      for (const receipt of receipts) checkReceipt(receipt, contract!, { keys: keys() });
      const bodies = receipts.map(({ body }) => body);
      deepEqual(bodies.map(({ signer }) => signer).sort(), ['orgA', 'orgB']);
      deepEqual(transportMismatches(bodies), []);
      for (const { transport, outcome, signer, metrics, model } of bodies) {
        equal(outcome, 'completed');
        equal(transport.length, 1);
        ok(transport[0]!.sent.bytes > 0 && transport[0]!.received.bytes > 0);
        equal(metrics !== null, signer === 'orgB', 'metrics are the receiver’s');
        notEqual(model, null);
      }
    });
  });

  it('the disclosures that the contract declares, each once, and no other', async () => {
    const facts = ({ class: name, to, elements }: DisclosureRecord) => ({ name, to, elements });
    const [atA, atB] = await atBoth(async (records, _node, store) => {
      const { contract } = (await records.certificate(taskId))!.certificate;
      const recorded = await disclosuresOf(store, taskId);
      deepEqual(
        recorded.map((record) => record.class),
        contract!.leakage.opened.map(({ name }) => name),
      );
      return recorded.map(facts);
    });
    deepEqual(atA, atB);
    // income, city, rate, city of three levels each: 1 + 2 + 1 + 2 model columns and the intercept.
    deepEqual(atA, [
      { name: 'intersection', to: ['orgA', 'orgB'], elements: PLANTED_ROWS },
      { name: 'validation_scores', to: ['orgA'], elements: PLANTED_ROWS / 5 },
      { name: 'metrics', to: ['orgB'], elements: 2 },
      { name: 'column_scales', to: ['orgB'], elements: 7 },
      { name: 'weights', to: ['orgB'], elements: 7 },
    ]);
  });

  it('an audit log that says what happened, and evidence that holds at whoever has the keys', async () => {
    const parties = [pair.a, pair.b].map((node) =>
      partyKey(node.name, readFileSync(node.certificate, 'utf8')),
    );
    const trusted = trustedKeys([JSON.stringify({ format: KEYS_FORMAT, parties })]);
    const reports = await atBoth(async (records, node, store) => {
      const config = await loadConfig(node.config, {});
      const seal = await sealOf(config);
      const identity = await identityOf(config, seal);
      const deps = { identity, seal, store, now: Date.now, rng: systemRng };
      const audit = await openAudit(config, deps);
      try {
        const source = storedEvidence({
          identity,
          peers: () => [],
          store,
          records,
          log: audit.log,
          logKey: audit.key.certificate,
          trail: audit.trail,
          salts: audit.salts,
        });
        const actor = { via: 'command', id: 'operator' } as const;
        let text = '';
        for await (const line of await exportTask(source, taskId, { actor, openings: true }))
          text += line;
        deepEqual(found(Buffer.from(text), PLANTED_VALUES), []);
        const kinds = new Map<string, number>();
        for (const each of text.trimEnd().split('\n')) {
          const line = parseLine(Buffer.from(each));
          if (line.line !== 'entry') continue;
          const { kind } = line.entry;
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        }
        const report = await verifyBundle([Buffer.from(text)], trusted);
        deepEqual(report.findings, [], node.name);
        const all = new Set<string>();
        for await (const bytes of audit.log.entries(0, audit.log.size)) {
          all.add(decodeEntry(bytes).kind);
        }
        return { report, kinds, all: [...all].sort() };
      } finally {
        await audit.log.close();
      }
    });
    for (const { kinds, all } of reports) {
      const count = (kind: string): number => kinds.get(kind) ?? 0;
      deepEqual(
        ['contract', 'vote', 'certificate', 'session_opened', 'session_closed', 'export'].map(
          count,
        ),
        [1, 2, 1, 1, 1, 1],
      );
      deepEqual(
        ['data_access', 'disclosure', 'checkpoint_exchange', 'result'].map(count),
        [2, 5, 4, 2],
      );
      ok(count('phase_receipt') >= 6, `${count('phase_receipt')} phase receipts`);
      deepEqual(['refusal', 'error', 'cancellation'].map(count), [0, 0, 0]);
      for (const kind of ['administration', 'policy']) ok(all.includes(kind), kind);
    }
    ok(reports[0].kinds.get('delivery') === undefined, 'orgA received nothing');
    const told = reconcile(reports[0].report, reports[1].report);
    deepEqual(told.findings, []);
  });

  it('one model id: the model at the receiver, a part at each data holder', async () => {
    const [a, b] = await atBoth(async (_records, node, store) => {
      const results = join(node.directory, 'results');
      const parts = join(node.directory, 'state', 'parts');
      const registry = new ModelRegistry({ results, parts }, { store });
      const manifests = await registry.list();
      for (const manifest of manifests) equal(manifest.taskId, taskId);
      const { modelId } = manifests[0]!;
      const part = (await registry.loadPart(modelId)) as LinearPart;
      // Shares, with which the parties predict together, whether or not the model was released.
      deepEqual([part.party, part.shares.length], [node.name, 2]);
      if (node === pair.b) {
        equal(((await registry.load(modelId)) as LinearDocument).features.length, 6);
      }
      return { modelId, kinds: manifests.map(({ kind }) => kind) };
    });
    deepEqual(a.kinds, ['part']);
    deepEqual(b.kinds, ['model', 'part']);
    equal(a.modelId, b.modelId);
  });

  it('one task’s row: what could not be drafted became no task', async () => {
    await atBoth(async (_records, _node, store) => {
      const rows = await store.table<{ readonly view: TaskView }>('tasks').list();
      deepEqual(
        rows.map(([id, { view }]) => [id, view.state, view.error]),
        [[taskId, 'completed', null]],
      );
    });
  });

  it('weights at the receiver alone', () => {
    const file = join(pair.b.directory, 'results', taskId, 'model.json');
    const model = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly features: readonly { readonly weight: number }[];
      readonly intercept: number;
    };
    // Short numbers stand anywhere by chance.
    const weights = [...model.features.map(({ weight }) => weight), model.intercept].filter(
      (weight) => String(weight).length > 6,
    );
    ok(weights.length >= 2, weights.join());
    deepEqual(found(readFileSync(file), weights), weights);
    for (const { path, bytes } of filesBelow(pair.a.directory)) {
      deepEqual(found(bytes, weights), [], path);
    }
  });

  it('no planted value in logs, replies, databases or models', async () => {
    for (const node of [pair.a, pair.b]) {
      const data = join(node.directory, 'data/');
      const parts = join(node.directory, 'state/parts/');
      for (const { path, bytes } of filesBelow(node.directory)) {
        if (path.startsWith(data)) continue;
        // A party's own part keeps how it encodes its own columns.
        const values = path.startsWith(parts)
          ? PLANTED_VALUES.filter((v) => v !== PLANTED.level)
          : PLANTED_VALUES;
        deepEqual(found(bytes, values), [], path);
      }
      ok((await node.log()).includes('task completed'));
    }
    deepEqual(found(Buffer.from(answers.join('\n')), PLANTED_VALUES), []);
    // What LevelDB has compressed.
    await atBoth(async (_records, _node, store) => {
      for (const kind of STORED) {
        const rows = JSON.stringify(await store.table(kind).list());
        ok(rows.length > 2, kind);
        deepEqual(found(Buffer.from(rows), PLANTED_VALUES), [], kind);
      }
    });
    // The search finds what is there.
    for (const node of [pair.a, pair.b]) {
      const file = readFileSync(join(node.directory, 'data', 'secret.csv'));
      ok(found(file, PLANTED_VALUES).length >= 4, node.name);
    }
  });
});
