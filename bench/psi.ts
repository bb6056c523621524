/**
 * Alignment of two lists of keys by private set intersection, between two processes over a real session:
 * `--engine ecdh|rr22 --n ROWS [--threads 2] [--seed 0]`. Half of each party's keys are the other's as well.
 */
import { curvePool } from '../src/kernels/curve25519-pool.ts';
import { permutation, seededGenerator } from '../src/ml/data/random.ts';
import { systemRng } from '../src/protocols/primitives/rng.ts';
import { deduplicate } from '../src/protocols/psi/deduplicate.ts';
import { openIntersection, type PsiEngine } from '../src/protocols/psi/intersection.ts';
import { itemDigests } from '../src/protocols/psi/item-digest.ts';
import { textColumn } from '../src/protocols/psi/text-column.ts';
import { oneOf, readOptions, wholeNumber } from './options.ts';
import { runParties } from './parties.ts';
import { type PartyWork, serveParty } from './party-process.ts';
import type { BenchResult } from './result.ts';

const NAMES = ['receiver', 'sender'] as const;
type Role = (typeof NAMES)[number];

const ENGINES: readonly PsiEngine[] = ['ecdh', 'rr22'];

interface Size {
  readonly n: number;
  readonly seed: number;
}

interface Job extends Size {
  readonly role: Role;
  readonly engine: PsiEngine;
  readonly threads: number;
}

interface Aligned {
  /** This party's rows of the common records, in the joint order. */
  readonly rows: Uint32Array;
  readonly digestSeconds: number;
  /** Digests, removal of duplicates, and the intersection. */
  readonly protocolSeconds: number;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    engine: { type: 'string', default: 'ecdh' },
    n: { type: 'string', default: '100000' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
  });
  const engine = oneOf('engine', values.engine, ENGINES);
  const size = { n: wholeNumber('n', values.n), seed: wholeNumber('seed', values.seed, 0) };
  const params = { engine, ...size, threads: wholeNumber('threads', values.threads) };
  const start = performance.now();
  const parties = await runParties<Job, Aligned>(import.meta.url, NAMES, [
    { role: 'receiver', ...params },
    { role: 'sender', ...params },
  ]);
  const seconds = (performance.now() - start) / 1000;
  const [receiver, sender] = parties.map(({ result }) => result) as [Aligned, Aligned];
  const protocolSeconds = Math.max(receiver.protocolSeconds, sender.protocolSeconds);
  return {
    bench: 'psi',
    params: { ...params, common: commonCount(size.n) },
    correct: isAligned(size, receiver.rows, sender.rows),
    seconds,
    bytesSent: { receiver: parties[0].bytesSent, sender: parties[1].bytesSent },
    peakRssMb: { receiver: parties[0].peakRssMb, sender: parties[1].peakRssMb },
    metrics: {
      protocolSeconds,
      digestSeconds: Math.max(receiver.digestSeconds, sender.digestSeconds),
      intersection: receiver.rows.length,
      rowsPerSecond: size.n / protocolSeconds,
      bytesPerRow: (parties[0].bytesSent + parties[1].bytesSent) / size.n,
    },
  };
}

const align: PartyWork<Job, Aligned> = async (job, connect) => {
  const { role, engine, threads, n } = job;
  const texts = Array.from(keysOf(job, role), keyText);
  const curve = curvePool({ threads });
  const session = await connect();

  const start = performance.now();
  const digests = itemDigests([textColumn(texts)], session.deriveKey('psi item digests', 32));
  const digested = performance.now();
  const { items, rows } = deduplicate(digests, 'reject');
  const parties = { me: NAMES.indexOf(role), n: 2, channel: () => session.channel };
  const roles = { leader: 0, learners: [0, 1] };
  const options = { engine, maxItems: n, ...roles, curve: () => curve };
  const intersection = await openIntersection(parties, options, systemRng);
  const common = (await intersection.intersect(items))!;
  const end = performance.now();
  await curve.close();
  return {
    rows: common.map((item) => rows[item]!),
    digestSeconds: (digested - start) / 1000,
    protocolSeconds: (end - start) / 1000,
  };
};

/** Keys that both parties have. */
function commonCount(n: number): number {
  return Math.floor(n / 2);
}

/** The party's n numbers, all different, in no order; the common ones are the middle of one list. */
function keysOf({ n, seed }: Size, role: Role): Uint32Array {
  const next = seededGenerator(seed);
  const all = permutation(2 * n - commonCount(n), next);
  const [receiver, sender] = [permutation(n, next), permutation(n, next)];
  const from = n - commonCount(n);
  return role === 'receiver'
    ? receiver.map((row) => all[row]!)
    : sender.map((row) => all[from + row]!);
}

/** A key as it stands in a file. */
function keyText(key: number): string {
  return `customer-${String(key).padStart(10, '0')}`;
}

/** Whether the rows pair every common record with itself, each once. */
function isAligned(size: Size, receiver: Uint32Array, sender: Uint32Array): boolean {
  const [keysR, keysS] = [keysOf(size, 'receiver'), keysOf(size, 'sender')];
  const common = commonCount(size.n);
  if (receiver.length !== common || sender.length !== common) return false;
  if (new Set(receiver).size !== common) return false;
  return receiver.every((row, k) => row < size.n && keysR[row] === keysS[sender[k]!]);
}

serveParty(import.meta.url, align);
