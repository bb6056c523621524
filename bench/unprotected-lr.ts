/**
 * What joint training would cost without protection: the same solver over the same transport, but the host
 * sends its partial logits and the guest returns its errors in clear. For comparison only; it gives
 * away the labels and more. Nothing under `src` can import it.
 *
 * A message an iteration each way: n float64, little-endian.
 */

import { multiply, multiplyTransposed, takeRows } from '../src/ml/data/matrix.ts';
import { holdoutSplit } from '../src/ml/data/split.ts';
import { applyWhitening, fitWhitening, toRawWeights } from '../src/ml/data/whiten.ts';
import { acceleration } from '../src/ml/linear/acceleration.ts';
import { CURVATURE, logLossGradient } from '../src/ml/linear/link.ts';
import type { LinearModel } from '../src/ml/linear/model.ts';
import type { Session } from '../src/party/transport/session.ts';
import type { MessageType } from '../src/protocols/channel.ts';
import { runParties } from './parties.ts';
import { type PartyOutcome, type PartyWork, serveParty } from './party-process.ts';
import type { Training } from './plain-check.ts';
import { blockOf } from './synthetic-table.ts';

const NAMES = ['guest', 'host'] as const;
type Party = (typeof NAMES)[number];

interface Job extends Training {
  readonly party: Party;
}

/** A party's columns of the model, and what an iteration took there. */
interface Trained {
  readonly weights: Float64Array;
  readonly intercept: number;
  /** Mean over the iterations, the first left out, as for joint training. */
  readonly secondsPerIteration: number;
  readonly bytesPerIteration: number;
}

export interface UnprotectedOutcome {
  readonly model: LinearModel;
  readonly parties: Readonly<Record<Party, PartyOutcome<Trained>>>;
}

/** Trains in the clear, in two processes. */
export async function trainUnprotected(training: Training): Promise<UnprotectedOutcome> {
  const [guest, host] = await runParties<Job, Trained>(import.meta.url, NAMES, [
    { party: 'guest', ...training },
    { party: 'host', ...training },
  ]);
  return {
    model: {
      weights: Float64Array.of(...guest.result.weights, ...host.result.weights),
      intercept: guest.result.intercept + host.result.intercept,
    },
    parties: { guest, host },
  };
}

const Vector: MessageType<Uint8Array> = {
  $type: 'entente.bench.Vector',
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
};

const train: PartyWork<Job, Trained> = async (job, connect) => {
  const { party, n, iterations, l2 } = job;
  const { X, y } = blockOf(job, party);
  const rows = holdoutSplit(n, job.validationRate, job.splitSeed).train;
  const features = takeRows(X, rows);
  const labels = Float64Array.from(rows, (row) => y[row]!);
  const intercept = party === 'guest';
  const whitening = fitWhitening(features, { curvature: CURVATURE.logLoss, l2, intercept });
  const U = applyWhitening(whitening, features);
  const session = await connect();

  const { channel } = session;
  const marks: { readonly ms: number; readonly bytes: number }[] = [];
  let v: Float64Array = new Float64Array(U.columns);
  let q = v;
  for (let k = 0; k < iterations; k++) {
    const partial = multiply(U, q);
    const e = await (party === 'guest'
      ? guestErrors(session, partial, labels)
      : hostErrors(session, partial));
    const penalty = multiply(whitening.ridge, q);
    const gradient = multiplyTransposed(U, e).map((sum, j) => sum / rows.length + penalty[j]!);
    const beta = acceleration(k);
    const next = q.map((value, j) => value - gradient[j]! / 2); // 1 / m for two blocks
    q = next.map((value, j) => value + beta * (value - v[j]!));
    v = next;
    marks.push({ ms: performance.now(), bytes: channel.stats.bytesSent });
  }
  const [first, last] = [marks[0]!, marks.at(-1)!];
  return {
    ...toRawWeights(whitening, v),
    secondsPerIteration: (last.ms - first.ms) / 1000 / (iterations - 1),
    bytesPerIteration: (last.bytes - first.bytes) / (iterations - 1),
  };
};

/** e = sigmoid(z) - y, which the host gets as well. */
async function guestErrors(
  { channel }: Session,
  partial: Float64Array,
  labels: Float64Array,
): Promise<Float64Array> {
  const others = doubles(await channel.receive(Vector));
  const e = partial.map((z, i) => logLossGradient(z + others[i]!, labels[i]!));
  await channel.send(Vector, bytesOf(e));
  return e;
}

async function hostErrors({ channel }: Session, partial: Float64Array): Promise<Float64Array> {
  await channel.send(Vector, bytesOf(partial));
  return doubles(await channel.receive(Vector));
}

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy: received bytes may be unaligned. */
function doubles(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.slice().buffer);
}

serveParty(import.meta.url, train);
