import { equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Organisation, openPolicy } from '../../examples/organisation.ts';
import { PullHello, SignedHello } from '../../proto/gen/session.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import { loadIdentity } from '../../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../../src/party/peers.ts';
import { memoryAttempts } from '../../src/party/transport/attempts.ts';
import type { ControlMethod } from '../../src/party/transport/control.ts';
import { pullFrames } from '../../src/party/transport/data-plane.ts';
import { Transport } from '../../src/party/transport/transport.ts';
import { jointTables } from './joint-tables.ts';
import { endedTask, putData, runningPair, trainingTask } from './running-pair.ts';
import { scratchFolder } from './scratch-folder.ts';
import { seededRng } from './seeded-rng.ts';

/** How much of each kind is thrown at the node. */
export interface Hostility {
  /** Control messages, random and mutated, of a pinned peer. */
  readonly messages: number;
  /** Streams that are asked for with random hellos. */
  readonly pulls: number;
  /** Connections that are no TLS. */
  readonly connections: number;
  readonly httpBodies: number;
}

/** How many things are in the air at the same time. */
const AT_ONCE = 32;

/** Growth beyond this over the second half is a leak: the garbage of what is in the air is less. */
const GROWTH_MB = 80;

const METHODS = [
  'consensus/describe',
  'consensus/prepare',
  'consensus/commit',
  'consensus/abort',
  'consensus/receipt',
  'consensus/vote',
  'session/hello',
  'task/meet',
  'catalog/paths',
  'catalog/metadata',
  'no/such/method',
];

const RAW = {
  $type: 'raw',
  encode: (bytes: Uint8Array) => ({ finish: () => bytes }),
  decode: (bytes: Uint8Array) => bytes,
};

const BODY = {
  data_providers: ['orgA', 'orgB'].map((name) => ({
    name,
    data_path: 'people.csv',
    data_type: 'csv',
    key_column: 'id',
    label_column: 'y',
    select_columns: ['f1', 'f2'],
  })),
  result_receivers: ['orgA'],
  metrics: ['auc'],
  hyper_params: { epochs: 2 },
  async: true,
};

const PATHS = [
  '/runModelTrainTask',
  '/runModelPredictTask',
  '/runPSITask',
  '/api/v1/tasks/x/cancel',
];

/** A node keeps its wits whatever a pinned peer or a coordinator sends, and its honest task ends well. */
export function hostileSuite(title: string, hostility: Hostility): void {
  describe(title, function () {
    this.timeout(900_000);
    const pair = runningPair({ ENTENTE_HTTP_CALLS_PER_MINUTE: '0' });
    const folder = scratchFolder();
    const next = seededGenerator(77);
    const rng = seededRng('hostile');
    let hostile: Transport;
    let target: PeerRecord;
    let taskId: string;
    let rssBefore: number;

    const rssMb = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pair.a.pid}/status`, 'utf8'))![1]) / 1024;

    /** Some bytes of `sample` changed, cut off or repeated; or random ones. */
    function mutated(sample: Uint8Array): Uint8Array {
      const way = next() % 4;
      if (way === 0 || sample.length === 0) return rng(next() % 400);
      if (way === 1) return sample.slice(0, next() % sample.length);
      if (way === 2) return Buffer.concat([sample, sample.subarray(next() % sample.length)]);
      const copy = Uint8Array.from(sample);
      for (let i = 0; i <= next() % 8; i++) copy[next() % copy.length]! ^= 1 << (next() % 8);
      return copy;
    }

    /** `count` runs, `AT_ONCE` at a time. */
    async function repeat(count: number, run: (i: number) => Promise<unknown>): Promise<void> {
      let i = 0;
      const lane = async (): Promise<void> => {
        while (i < count) await run(i++);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    }

    before('pin the hostile peer and start an honest task', async function () {
      if (process.platform !== 'linux') this.skip(); // reads /proc
      const organisation = await Organisation.create({
        name: 'orgC',
        directory: join(folder.path, 'hostile'),
        policy: openPolicy(['orgA']),
      });
      await pair.a.stop();
      await pair.a.trust(organisation);
      await pair.a.start();
      const { name, certificatePem, fingerprint } = await loadIdentity(
        join(pair.a.directory, 'identity'),
      );
      target = { name, certificatePem, fingerprint, address: pair.a.grpc };
      hostile = new Transport({
        identity: await loadIdentity(join(organisation.directory, 'identity')),
        peers: peerBook([target]),
        host: '127.0.0.1',
        port: 0,
        attempts: memoryAttempts(),
      });
      await hostile.start();
      const table = jointTables({ common: 600, apart: 50, label: 'binary' });
      putData(pair.a, 'people.csv', table.labelled);
      putData(pair.b, 'people.csv', table.features);
      taskId = await pair.a.client.submitTrainTask({
        ...BODY,
        hyper_params: { epochs: 300 },
      });
      await trainingTask(pair.a, taskId);
      // Caches, pools and the heap come to their usual size over the first half.
      await sendMessages(hostility.messages / 2);
      await pullStreams(hostility.pulls / 2);
      await connectPlainly(hostility.connections / 2);
      await postBodies(hostility.httpBodies / 2);
      rssBefore = rssMb();
    });
    after(() => hostile?.stop());

    async function sendMessages(count: number): Promise<void> {
      const samples = [
        SignedHello.encode({ hello: rng(200), signature: rng(64) }).finish(),
        Buffer.from(JSON.stringify(BODY)),
        rng(100),
      ];
      await repeat(count, async (i) => {
        const name = METHODS[i % METHODS.length]!;
        const method: ControlMethod<Uint8Array, Uint8Array> = { name, request: RAW, response: RAW };
        const request = mutated(samples[next() % samples.length]!);
        // A hello that decodes may wait for its session: nobody waits for the answer.
        await hostile.call('orgA', method, request, { timeoutMs: 2000 }).catch(() => undefined);
      });
      ok(await pair.a.client.isHealthy());
    }

    async function pullStreams(count: number): Promise<void> {
      const identity = await loadIdentity(join(folder.path, 'hostile', 'identity'));
      await repeat(count, async () => {
        const hello = PullHello.decode(
          PullHello.encode({
            session: rng(next() % 3 === 0 ? next() % 64 : 32),
            attempt: next(),
            next: BigInt(next()),
            mac: rng(32),
            stream: next(),
          }).finish(),
        );
        await new Promise<void>((resolve) => {
          const source = pullFrames(
            identity,
            target,
            hello,
            () => {},
            () => {
              source.close();
              resolve();
            },
          );
        });
      });
      ok(await pair.a.client.isHealthy());
    }

    async function connectPlainly(count: number): Promise<void> {
      const [host, port] = pair.a.grpc.split(':');
      await repeat(count, async () => {
        await new Promise<void>((resolve) => {
          const socket = connect(Number(port), host, () => {
            socket.write(mutated(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')));
            socket.end();
          });
          socket.on('error', () => {});
          socket.on('close', () => resolve());
          socket.resume();
        });
      });
      ok(await pair.a.client.isHealthy());
    }

    async function postBodies(count: number): Promise<void> {
      const text = JSON.stringify(BODY);
      const statuses = new Map<number, number>();
      await repeat(count, async (i) => {
        const body = Buffer.from(mutated(Buffer.from(text)));
        const response = await fetch(`http://${pair.a.http}${PATHS[i % PATHS.length]!}`, {
          method: 'POST',
          headers: {
            'content-type': next() % 8 === 0 ? 'text/plain' : 'application/json',
            authorization: `Bearer ${pair.a.token}`,
          },
          body,
        });
        const reply = (await response.json()) as { status: number; result: unknown; msg: string };
        equal(reply.status, response.status);
        equal(typeof reply.msg, 'string');
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      });
      const faults = [...statuses].filter(([status]) => status >= 500 && status !== 503);
      ok(
        faults.every(([, count]) => count < Math.max(2, count / 100)),
        JSON.stringify([...statuses]),
      );
    }

    it('survives control messages', () => sendMessages(hostility.messages / 2));
    it('survives streams that nobody agreed to', () => pullStreams(hostility.pulls / 2));
    it('survives connections that are no TLS', () => connectPlainly(hostility.connections / 2));
    it('survives HTTP bodies, each with an answer', () => postBodies(hostility.httpBodies / 2));

    it('has not grown, and ends its honest task', async () => {
      const grown = rssMb() - rssBefore;
      ok(grown < GROWTH_MB, `grew by ${grown} MB`);
      const view = await endedTask(pair.a, taskId);
      equal(view.state, 'completed', view.error?.message);
      equal((await endedTask(pair.b, taskId)).state, 'completed');
    });
  });
}
