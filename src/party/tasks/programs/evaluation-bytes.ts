/** What the label holder computed of a model, as checkpoints keep it: its length, u32, then JSON. */
import type { Evaluation } from '../../../ml/metrics/evaluate.ts';
import { type CheckpointReader, u32, unusable } from './checkpoint-bytes.ts';

export function evaluationBytes(evaluation: Evaluation | null): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(evaluation));
  return [u32(text.length), text];
}

/** Null where the party computed none. Throws `CHECKPOINT_UNUSABLE`. */
export function readEvaluation(reader: CheckpointReader): Evaluation | null {
  const text = reader.take(reader.u32()).toString();
  let evaluation: unknown;
  try {
    evaluation = JSON.parse(text);
  } catch (cause) {
    throw unusable('has another shape', cause);
  }
  if (evaluation === null || isEvaluation(evaluation)) return evaluation;
  throw unusable('has another shape');
}

/** By hand: a schema's checker takes a task's thread longer to load than everything else. */
function isEvaluation(value: unknown): value is Evaluation {
  const { metrics, reasons } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isText = (each: unknown): boolean => typeof each === 'string';
  const isMetric = (each: unknown): boolean => each === null || typeof each === 'number';
  return isRecordOf(isMetric, metrics) && isRecordOf(isText, reasons);
}

function isRecordOf(is: (value: unknown) => boolean, value: unknown): boolean {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord && Object.values(value).every(is);
}
