import Type, { type Static } from 'typebox';
import { MODEL_HEAD, ModelFormatError, parseDocument } from './model-document.ts';

/**
 * A data provider's own part of a model, kept by it alone: how its columns become model columns, and
 * its shares of the weights when nobody is to see them.
 */
const closed = { additionalProperties: false };
const name = Type.String({ minLength: 1 });
const numbers = Type.Array(Type.Number());

const Encoding = Type.Union([
  /** A missing value becomes the mean. */
  Type.Object({ kind: Type.Literal('numeric'), name, mean: Type.Number() }, closed),
  /** One indicator column a level; any other value is all zeros. */
  Type.Object(
    { kind: Type.Literal('categorical'), name, levels: Type.Array(Type.String()) },
    closed,
  ),
]);

const WeightShare = Type.Object(
  {
    /** Whose columns these weights belong to. */
    owner: name,
    fraction_bits: Type.Integer({ minimum: 0, maximum: 63 }),
    /** How many weights, the intercept included. */
    length: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    /** Base64 of `length` x 8 bytes, little-endian: additive shares modulo 2^64. */
    words: Type.String(),
  },
  closed,
);

const ModelPartSchema = Type.Object(
  {
    format: Type.Enum(['entente/model-part/v1']),
    ...MODEL_HEAD,
    /** Whose part this is. */
    party: name,
    /** Of this party's features, in the contract's order. */
    encoding: Type.Array(Encoding),
    /** Affine map of the encoded columns; null when the weights are in the columns' own units. */
    transformation: Type.Union([
      Type.Null(),
      Type.Object(
        {
          /** [d] */
          mean: numbers,
          /** [d] */
          scale: numbers,
          /** [d, d] row-major, lower triangular; empty when columns are not whitened. */
          factor: numbers,
        },
        closed,
      ),
    ]),
    /** Empty when the model is released. */
    shares: Type.Array(WeightShare),
  },
  closed,
);

export type ModelPart = Static<typeof ModelPartSchema>;

/** A part of the JSON text of one, its sizes checked. Throws `ModelFormatError`. */
export function parseModelPart(text: string): ModelPart {
  const part = parseDocument(ModelPartSchema, text);
  for (const { owner, length, words } of part.shares) {
    if (Buffer.from(words, 'base64').length !== 8 * length) {
      throw new ModelFormatError(`the share of ${owner}'s weights has not ${length} words`);
    }
  }
  if (part.transformation) {
    const d = part.encoding.reduce(
      (sum, feature) => sum + (feature.kind === 'numeric' ? 1 : feature.levels.length),
      0,
    );
    const { mean, scale, factor } = part.transformation;
    const factorFits = factor.length === 0 || factor.length === d * d;
    if (mean.length !== d || scale.length !== d || !factorFits) {
      throw new ModelFormatError(`the transformation does not fit ${d} columns`);
    }
  }
  return part;
}

/** Shares as they stand in the document. */
export function encodeShareWords(words: BigUint64Array): string {
  const bytes = Buffer.alloc(8 * words.length);
  for (const [i, word] of words.entries()) bytes.writeBigUInt64LE(word, 8 * i);
  return bytes.toString('base64');
}

/** The inverse of `encodeShareWords`, for a part that was parsed. */
export function decodeShareWords(text: string): BigUint64Array {
  const bytes = Buffer.from(text, 'base64');
  return BigUint64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
}
