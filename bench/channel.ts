/**
 * A session's channel beside a bare grpc-js stream, in one run: throughput of long messages and round
 * trip of short ones, between two processes over the same mutual TLS 1.3 on loopback. The two take
 * turns, so that what else the machine does falls on both.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createIdentity } from '../src/party/identity.ts';
import type { Answer, Command, Outcome } from './channel-party.ts';
import type { BenchResult } from './result.ts';

const NAMES = ['orgA', 'orgB'] as const;

export async function run(args: readonly string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      bytes: { type: 'string', default: String(1 << 20) },
      messages: { type: 'string', default: '256' },
      'small-bytes': { type: 'string', default: '64' },
      'small-messages': { type: 'string', default: '2000' },
      repeats: { type: 'string', default: '5' },
    },
  });
  const params = {
    bytes: Number(values.bytes),
    messages: Number(values.messages),
    smallBytes: Number(values['small-bytes']),
    smallMessages: Number(values['small-messages']),
    repeats: Number(values.repeats),
  };
  const parties = await startParties();
  const [a, b] = parties;
  const started = performance.now();
  const measure = async (
    kind: 'stream' | 'echo',
    way: 'channel' | 'protobuf' | 'bare',
  ): Promise<Figures> => {
    const [bytes, messages] =
      kind === 'stream'
        ? [params.bytes, params.messages]
        : [params.smallBytes, params.smallMessages];
    const command = { do: kind, way, bytes, messages } as const;
    const [sender, receiver] = await Promise.all([ask(a, command), ask(b, command)]);
    const { seconds } = receiver;
    return { seconds, senderCpu: sender.cpuSeconds, receiverCpu: receiver.cpuSeconds };
  };

  const taken = new Map<string, Figures[]>();
  for (let i = -1; i < params.repeats; i++) {
    for (const kind of ['stream', 'echo'] as const) {
      for (const way of ['bare', 'channel', 'protobuf'] as const) {
        const figures = await measure(kind, way);
        const key = `${kind}/${way}`;
        if (i >= 0) taken.set(key, [...(taken.get(key) ?? []), figures]); // the first turn warms up
      }
    }
  }
  const total = (performance.now() - started) / 1000;
  const outcomes = [await ask(a, { do: 'finish' }), await ask(b, { do: 'finish' })];
  for (const party of parties) party.disconnect();

  const middle = (key: string, figure: keyof Figures): number =>
    median(taken.get(key)!.map((figures) => figures[figure]));
  const rate = (way: string): number =>
    (params.bytes * params.messages) / 1e6 / middle(`stream/${way}`, 'seconds');
  const trip = (way: string): number =>
    (middle(`echo/${way}`, 'seconds') / params.smallMessages) * 1e6;
  const cpu = (way: string, side: 'senderCpu' | 'receiverCpu'): number =>
    (middle(`stream/${way}`, side) / params.messages) * 1e3;
  return {
    bench: 'channel',
    params,
    correct: agree(outcomes[0]!.outcome!, outcomes[1]!.outcome!),
    seconds: total,
    bytesSent: byParty(outcomes, (outcome) => outcome.bytesSent),
    peakRssMb: byParty(outcomes, (outcome) => outcome.peakRssMb),
    metrics: {
      bareMBps: rate('bare'),
      channelMBps: rate('channel'),
      channelProtobufMBps: rate('protobuf'),
      throughputRatio: rate('channel') / rate('bare'),
      bareRoundTripUs: trip('bare'),
      channelRoundTripUs: trip('channel'),
      channelProtobufRoundTripUs: trip('protobuf'),
      bareReceiverCpuMs: cpu('bare', 'receiverCpu'),
      channelSenderCpuMs: cpu('channel', 'senderCpu'),
      channelReceiverCpuMs: cpu('channel', 'receiverCpu'),
      roundTripRatio: trip('channel') / trip('bare'),
    },
    notes: [
      'bare: raw-codec gRPC stream with the same TLS, window and options; it does not hash',
      'channel: messages as bytes; protobuf: the same with ts-proto encoding and decoding',
    ],
  };
}

/** What one turn took: the receiver's wall-clock time, and each side's processor time. */
interface Figures {
  readonly seconds: number;
  readonly senderCpu: number;
  readonly receiverCpu: number;
}

/** Two processes that have pinned each other and opened a session. */
async function startParties(): Promise<[ChildProcess, ChildProcess]> {
  const program = join(import.meta.dirname, 'channel-party.js');
  const parties = NAMES.map(() => fork(program)) as [ChildProcess, ChildProcess];
  const identities = await Promise.all(NAMES.map((name) => createIdentity(name)));
  const ports = await Promise.all(
    parties.map((party, i) =>
      ask(party, {
        do: 'start',
        key: identities[i]!.privateKeyPem(),
        certificate: identities[i]!.certificatePem,
      }),
    ),
  );
  const records = identities.map(({ name, certificatePem, fingerprint }, i) => ({
    name,
    certificatePem,
    fingerprint,
    address: `127.0.0.1:${ports[i]!.port}`,
    bareAddress: `127.0.0.1:${ports[i]!.barePort}`,
  }));
  await Promise.all(parties.map((party, i) => ask(party, { do: 'pin', peer: records[1 - i]! })));
  await Promise.all(parties.map((party) => ask(party, { do: 'open' })));
  return parties;
}

async function ask(party: ChildProcess, command: Command): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  const gone = async (): Promise<never> => {
    await once(party, 'exit', { signal });
    throw new Error('a party ended early');
  };
  party.send(command);
  try {
    const [answer] = (await Promise.race([once(party, 'message', { signal }), gone()])) as [Answer];
    if (answer.error) throw new Error(answer.error);
    return answer;
  } finally {
    over.abort();
  }
}

/** The parties' receipts tell the same story. */
function agree(a: Outcome, b: Outcome): boolean {
  return a.sentHash === b.receivedHash && b.sentHash === a.receivedHash && a.bytesSent > 0;
}

function byParty(
  answers: readonly Answer[],
  value: (outcome: Outcome) => number,
): Record<string, number> {
  return Object.fromEntries(NAMES.map((name, i) => [name, value(answers[i]!.outcome!)]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
