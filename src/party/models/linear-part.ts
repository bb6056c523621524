import Type, { type Static } from 'typebox';
import { encodedWidth } from '../datasets/encoding.ts';
import { CLOSED, checkedDocument, ENCODING, MODEL_HEAD, NAME, ORIGIN } from './document-check.ts';
import { ModelFormatError } from './model-format-error.ts';

/**
 * A data provider's own part of a linear model, kept by it alone: how its columns become those of the model, and
 * its shares of the weights. It tells its owner nothing new: the transformation is measured on its own
 * records, and a share of a weight is uniform without the other party's, which stays there. So parts of
 * released models have shares too, and joint scores are computed in one way for both.
 */
const numbers = Type.Array(Type.Number());

const WeightShare = Type.Object(
  {
    /** Whose columns these weights belong to. */
    owner: NAME,
    fraction_bits: Type.Integer({ minimum: 0, maximum: 63 }),
    /** How many weights, the intercept included. */
    length: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    /** Base64 of `length` x 8 bytes, little-endian: additive shares modulo 2^64. */
    words: Type.String(),
  },
  CLOSED,
);

const LinearPartSchema = Type.Object(
  {
    format: Type.Enum(['entente/model-part/v2']),
    ...MODEL_HEAD,
    algorithm: Type.Enum(['logistic_regression', 'linear_regression']),
    /** Whose part this is. */
    party: NAME,
    /** Which run made the shares: the same in the parts that belong together. */
    origin: ORIGIN,
    /** Of this party's features, in the contract's order. */
    encoding: Type.Array(ENCODING),
    /** From encoded columns to those that the weights multiply: (x - mean) / scale, times the map. */
    transformation: Type.Object(
      {
        /** [d] */
        mean: numbers,
        /** [d] */
        scale: numbers,
        /** Columns that count nothing: constant, or dependent on those before them. Ascending. */
        unused: Type.Array(Type.Integer({ minimum: 0 })),
        /** [d, d] row-major, upper triangular; empty for the identity. */
        map: numbers,
        /** Entry of every row for the intercept, after the columns; 0 where the block has none. */
        intercept: Type.Number({ minimum: 0 }),
      },
      CLOSED,
    ),
    /** Scores are multiples of 2^exponent around the centre; null unless the label holder's regression. */
    target: Type.Union([
      Type.Null(),
      Type.Object(
        { centre: Type.Number(), exponent: Type.Integer({ minimum: -512, maximum: 512 }) },
        CLOSED,
      ),
    ]),
    /** Of this party's weights, then of the other's. */
    shares: Type.Array(WeightShare, { minItems: 2, maxItems: 2 }),
  },
  CLOSED,
);

export type LinearPart = Static<typeof LinearPartSchema>;

/** The part in the value of a file's JSON, its sizes checked. Throws `ModelFormatError`. */
export function decodeLinearPart(value: unknown): LinearPart {
  const part = checkedDocument(LinearPartSchema, value);
  for (const { owner, length, words } of part.shares) {
    if (Buffer.from(words, 'base64').length !== 8 * length) {
      throw new ModelFormatError(`the share of ${owner}'s weights has not ${length} words`);
    }
  }
  const d = encodedWidth(part.encoding);
  if (part.encoding.some((feature) => feature.kind === 'numeric' && feature.mean === null)) {
    throw new ModelFormatError('a column lacks the mean that stands for its missing cells');
  }
  const { mean, scale, unused, map, intercept } = part.transformation;
  const mapFits = map.length === 0 || map.length === d * d;
  const unusedFit = unused.every((j, i) => j < d && (i === 0 || j > unused[i - 1]!));
  if (mean.length !== d || scale.length !== d || !mapFits || !unusedFit) {
    throw new ModelFormatError(`the transformation does not fit ${d} columns`);
  }
  const [own, peer] = part.shares;
  if (own!.owner !== part.party || own!.length !== d + Number(intercept > 0)) {
    throw new ModelFormatError(`the first share is not that of ${d} columns of ${part.party}`);
  }
  if (peer!.owner === part.party) throw new ModelFormatError('both shares are of one party');
  return part;
}
