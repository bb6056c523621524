/**
 * Checkpoints of trainings have one beginning, whatever is trained, little-endian:
 *
 *   magic 4 | version u8 | phase u8 | task 32 | origin 32 | m u32 | rows m x u32 | the format's own | SHA-256 32
 */
import { createHash } from 'node:crypto';
import { bytesOf } from '../../../protocols/primitives/words.ts';
import type { Checkpoint } from '../program.ts';
import { CheckpointReader, taskDigest, u32 } from './checkpoint-bytes.ts';
import { ORIGIN_BYTES } from './shares-origin.ts';

/** `aligned`: nothing is trained yet. */
const PHASES = ['aligned', 'training', 'evaluated'] as const;
type Phase = (typeof PHASES)[number];

/** What tells one format from another. */
export interface CheckpointFormat {
  readonly magic: string;
  readonly version: number;
  /** Binds a checkpoint to its task. */
  readonly domain: string;
}

/** What the records of a run are. */
export interface AlignedRun {
  readonly taskId: string;
  /** Names the run that made the rows' order; 32 bytes. */
  readonly origin: Uint8Array;
  /** This party's row numbers of the common records, in the order that all parties use. */
  readonly rows: Uint32Array;
}

/** Writes the checkpoints of one attempt: what they have in common is written and digested once. */
export function checkpointWriter(
  { magic, version, domain }: CheckpointFormat,
  { taskId, origin, rows }: AlignedRun,
): (phase: Phase, step: number, body: readonly Uint8Array[]) => Checkpoint {
  const common = [taskDigest(domain, taskId), origin, u32(rows.length), bytesOf(rows)];
  const heads = PHASES.map((_, phase) => {
    const head = Buffer.concat([Buffer.from(magic), Uint8Array.of(version, phase), ...common]);
    return { head, hash: createHash('sha256').update(head) };
  });
  return (phase, step, own) => {
    const { head, hash } = heads[PHASES.indexOf(phase)]!;
    const body = Buffer.concat(own);
    return { step, bytes: Buffer.concat([head, body, hash.copy().update(body).digest()]) };
  };
}

/** The beginning of a checkpoint. The phase is undefined where it is none; tableRows: of this party. */
export function readAligned(
  bytes: Uint8Array,
  { magic, version, domain }: CheckpointFormat,
  { taskId, tableRows }: { readonly taskId: string; readonly tableRows: number },
): {
  readonly reader: CheckpointReader;
  readonly phase: Phase | undefined;
  readonly origin: Uint8Array;
  readonly rows: Uint32Array;
} {
  const reader = CheckpointReader.open(bytes, magic, version);
  const phase = PHASES[reader.u8()];
  reader.checkTask(domain, taskId);
  const origin = new Uint8Array(reader.take(ORIGIN_BYTES));
  return { reader, phase, origin, rows: reader.distinct(tableRows) };
}
