/** Joint prediction in memory, both roles of the real protocol. */
import { loadWasmRingKernel } from '../../src/kernels/ring-kernel.wasm.ts';
import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';
import { predictVerticalLinear, type ScoringPart } from '../../src/ml/vertical/linear/predict.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import type { DisclosureLedger } from '../../src/protocols/disclosure.ts';
import { memoryChannelPair } from '../../src/protocols/memory-channel.ts';
import { seededRng } from './seeded-rng.ts';
import type { Frame } from './transcript.ts';
import { PARTIES, recordingLedger, type SplitTable } from './vertical-run.ts';

export interface PredictionOptions {
  readonly algorithm: 'logistic_regression' | 'linear_regression';
  readonly openBits?: number;
  /** Default: both. */
  readonly receivers?: readonly string[];
  readonly ledgers?: readonly [DisclosureLedger, DisclosureLedger];
  readonly seed?: string;
  readonly signal?: AbortSignal;
  /** Makes the label holder's program a cheat's. */
  readonly tamperFirst?: (channel: Channel) => Channel;
  readonly onFrame?: (frame: Frame) => void;
}

export interface PredictionRun {
  /** What each party learns. */
  readonly scores: readonly [Float64Array | null, Float64Array | null];
  readonly frames: readonly Frame[];
  readonly bytesSent: readonly [number, number];
}

/** What is needed of a trained part. */
interface Part extends Omit<ScoringPart, 'transformation'> {
  readonly whitening: ScoringPart['transformation'];
}

/** Scores rows by the parts that a training left. */
export async function predictInMemory(
  parts: { readonly guest: Part; readonly host: Part },
  rows: Pick<SplitTable, 'guest' | 'host'>,
  options: PredictionOptions,
): Promise<PredictionRun> {
  const { algorithm, openBits = 10, receivers = PARTIES, seed = 'prediction' } = options;
  const frames: Frame[] = [];
  const tap =
    (from: 0 | 1) =>
    (label: string, type: string, bytes: Uint8Array): void => {
      const frame = { from, label, type, bytes: new Uint8Array(bytes) };
      frames.push(frame);
      options.onFrame?.(frame);
    };
  const channels = memoryChannelPair({
    ...(options.signal && { signal: options.signal }),
    tapFirst: tap(0),
    tapSecond: tap(1),
  });
  const sides = (['guest', 'host'] as const).map((name, p) => {
    const { weights, whitening: transformation, target } = parts[name];
    return predictVerticalLinear(
      p === 0 && options.tamperFirst ? options.tamperFirst(channels[0]) : channels[p]!,
      rows[name],
      { weights, transformation, target },
      {
        role: p === 0 ? 'label_holder' : 'feature_holder',
        parties: PARTIES,
        algorithm,
        receivers,
        openBits,
        kernels: { ring: loadWasmRingKernel(), rlwe: loadWasmRlweKernel() },
        ledger: options.ledgers?.[p] ?? recordingLedger(),
        onRows: () => {},
      },
      seededRng(`${seed} ${p}`),
    );
  });
  for (const side of sides) side.catch(() => {}); // the other one's error is what the caller sees
  const [first, second] = await Promise.all(sides);
  const bytesSent = [0, 1].map((p) =>
    frames.reduce((sum, { from, bytes }) => sum + (from === p ? bytes.length : 0), 0),
  );
  return { scores: [first!, second!], frames, bytesSent: [bytesSent[0]!, bytesSent[1]!] };
}
