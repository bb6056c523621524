import Type, { type Static } from 'typebox';
import { MODEL_HEAD, ModelFormatError, parseDocument } from './model-document.ts';

/**
 * A party's part of a model that nobody sees whole: its shares of every party's weights, and what it
 * does to its own columns before they are multiplied. Kept by its owner alone.
 */
const closed = { additionalProperties: false };
const numbers = Type.Array(Type.Number());

const ModelShareSchema = Type.Object(
  {
    format: Type.Enum(['entente/model-share/v1']),
    ...MODEL_HEAD,
    /** Whose part this is. */
    party: Type.String({ minLength: 1 }),
    shares: Type.Array(
      Type.Object(
        {
          /** Whose columns these weights belong to. */
          owner: Type.String({ minLength: 1 }),
          fraction_bits: Type.Integer({ minimum: 0, maximum: 63 }),
          /** How many weights, the intercept included. */
          length: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
          /** Base64 of `length` x 8 bytes, little-endian: additive shares modulo 2^64. */
          words: Type.String(),
        },
        closed,
      ),
    ),
    /** This party's own columns, one for each of its weights, the intercept apart. */
    columns: Type.Array(
      Type.Object(
        {
          column: Type.String({ minLength: 1 }),
          category: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
        },
        closed,
      ),
    ),
    transformation: Type.Object(
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
  },
  closed,
);

export type ModelShareDocument = Static<typeof ModelShareSchema>;

/** A share of the JSON text of one, its sizes checked. Throws `ModelFormatError`. */
export function parseModelShareDocument(text: string): ModelShareDocument {
  const document = parseDocument(ModelShareSchema, text);
  for (const { owner, length, words } of document.shares) {
    if (Buffer.from(words, 'base64').length !== 8 * length) {
      throw new ModelFormatError(`the share of ${owner}'s weights has not ${length} words`);
    }
  }
  const d = document.columns.length;
  const { mean, scale, factor } = document.transformation;
  const factorFits = factor.length === 0 || factor.length === d * d;
  if (mean.length !== d || scale.length !== d || !factorFits) {
    throw new ModelFormatError(`the transformation does not fit ${d} columns`);
  }
  return document;
}

/** Shares as they stand in the document. */
export function encodeShareWords(words: BigUint64Array): string {
  const bytes = Buffer.alloc(8 * words.length);
  for (const [i, word] of words.entries()) bytes.writeBigUInt64LE(word, 8 * i);
  return bytes.toString('base64');
}

/** The inverse of `encodeShareWords`, for a document that was parsed. */
export function decodeShareWords(text: string): BigUint64Array {
  const bytes = Buffer.from(text, 'base64');
  return BigUint64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
}
