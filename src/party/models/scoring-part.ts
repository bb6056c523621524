import { type Matrix, matrix, zeros } from '../../ml/data/matrix.ts';
import { WEIGHT_BITS } from '../../ml/vertical/linear/fixed-point.ts';
import type { ScoringPart } from '../../ml/vertical/linear/predict.ts';
import type { LinearPart } from './linear-part.ts';
import { ModelFormatError } from './model-format-error.ts';
import { decodeShareWords } from './share-words.ts';

/** A stored part as joint scoring takes it. Throws `ModelFormatError` for other fixed points. */
export function scoringPart(part: LinearPart): ScoringPart {
  const { mean, scale, unused, map, intercept } = part.transformation;
  const d = mean.length;
  const constant = new Uint8Array(d);
  for (const j of unused) constant[j] = 1;
  const [own, peer] = part.shares;
  for (const { owner, fraction_bits } of part.shares) {
    if (fraction_bits !== WEIGHT_BITS) {
      throw new ModelFormatError(
        `the share of ${owner}'s weights has other units than this version`,
      );
    }
  }
  return {
    weights: { own: decodeShareWords(own!.words), peer: decodeShareWords(peer!.words) },
    transformation: {
      scaler: { mean: Float64Array.from(mean), scale: Float64Array.from(scale), constant },
      W: map.length === 0 ? identity(constant) : matrix(Float64Array.from(map), d, d),
      interceptValue: intercept,
    },
    target: part.target,
  };
}

/** The identity without the columns that count nothing. */
function identity(unused: Uint8Array): Matrix {
  const d = unused.length;
  const I = zeros(d, d);
  for (let j = 0; j < d; j++) I.values[j * d + j] = unused[j] ? 0 : 1;
  return I;
}
