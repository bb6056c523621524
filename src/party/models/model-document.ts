import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { ModelFormatError } from './model-format-error.ts';
import { isModelId } from './model-id.ts';

/**
 * The result file of a task that releases its model: everything that is needed to apply it to
 * encoded columns. Names are snake_case because the file is public.
 */
const name = Type.String({ minLength: 1 });
const closed = { additionalProperties: false };

const Feature = Type.Object(
  {
    party: name,
    column: name,
    /** Of a categorical column: the weight counts where the value is this level. The owner knows which. */
    level: Type.Optional(Type.Integer({ minimum: 0 })),
    weight: Type.Number(),
  },
  closed,
);

/** What a model and a party's part of it have in common. */
export const MODEL_HEAD = {
  model_id: Type.String(),
  /** SHA-256 of the contract, hex: the model's provenance. */
  task_id: Type.String({ minLength: 1 }),
  /** ISO 8601 UTC with milliseconds. */
  created_at: Type.String({ minLength: 1 }),
  algorithm: Type.Enum(['logistic_regression', 'linear_regression']),
  label: Type.Object({ party: name, column: name }, closed),
  /** On the probability; null for regression. */
  threshold: Type.Unsafe<number | null>({ type: ['number', 'null'], minimum: 0, maximum: 1 }),
  /** Fraction bits of every released number. */
  open_bits: Type.Integer({ minimum: 4, maximum: 20 }),
  metrics: Type.Record(Type.String(), Type.Unsafe<number | null>({ type: ['number', 'null'] })),
};

const ModelDocumentSchema = Type.Object(
  {
    format: Type.Enum(['entente/model/v1']),
    ...MODEL_HEAD,
    features: Type.Array(Feature),
    intercept: Type.Number(),
  },
  closed,
);

export type ModelDocument = Static<typeof ModelDocumentSchema>;
export type ModelFeature = Static<typeof Feature>;

/** A model of the JSON text of one. Throws `ModelFormatError`. */
export function parseModelDocument(text: string): ModelDocument {
  const document = parseDocument(ModelDocumentSchema, text);
  const seen = new Set<string>();
  for (const { party, column, level } of document.features) {
    const key = JSON.stringify([party, column, level ?? null]);
    if (seen.has(key)) throw new ModelFormatError(`the model has ${party}.${column} twice`);
    seen.add(key);
  }
  for (const { party, column, level } of document.features) {
    if (level !== undefined && seen.has(JSON.stringify([party, column, null]))) {
      throw new ModelFormatError(`the model has ${party}.${column} as number and as levels`);
    }
  }
  return document;
}

/** The document in a text, checked against its schema. Throws `ModelFormatError`. */
export function parseDocument<S extends TSchema>(schema: S, text: string): Static<S> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ModelFormatError('the model is not valid JSON', { cause });
  }
  if (!Value.Check(schema, document)) {
    const [error] = Value.Errors(schema, document);
    const field = error?.instancePath || 'the model';
    throw new ModelFormatError(`${field} ${error?.message ?? 'is invalid'}`);
  }
  const { model_id } = document as { readonly model_id: string };
  if (!isModelId(model_id)) throw new ModelFormatError('/model_id is no model id');
  return document;
}
