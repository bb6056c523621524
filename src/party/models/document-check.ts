/** What the decoders of models and of their parts share. */
import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { ModelFormatError } from './model-format-error.ts';
import { isModelId } from './model-id.ts';

export const CLOSED = { additionalProperties: false };
export const NAME: Type.TString = Type.String({ minLength: 1 });

/** Of `ModelHead`. */
export const MODEL_HEAD = {
  model_id: Type.String(),
  task_id: NAME,
  created_at: NAME,
  label: Type.Object({ party: NAME, column: NAME }, CLOSED),
  threshold: Type.Unsafe<number | null>({ type: ['number', 'null'], minimum: 0, maximum: 1 }),
  open_bits: Type.Integer({ minimum: 4, maximum: 20 }),
  metrics: Type.Record(Type.String(), Type.Unsafe<number | null>({ type: ['number', 'null'] })),
};

/** How a party's features become columns of the model; see `FeatureEncoding`. */
export const ENCODING = Type.Union([
  /** A missing value becomes the mean; it stays missing where that is null. */
  Type.Object(
    {
      kind: Type.Literal('numeric'),
      name: NAME,
      mean: Type.Unsafe<number | null>({ type: ['number', 'null'] }),
    },
    CLOSED,
  ),
  /** One indicator column a level; any other value is all zeros. */
  Type.Object(
    { kind: Type.Literal('categorical'), name: NAME, levels: Type.Array(Type.String()) },
    CLOSED,
  ),
]);

/** Which run made the parts that belong together, hex. */
export const ORIGIN: Type.TString = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** The value of a JSON text. Throws `ModelFormatError`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelFormatError('the model is not valid JSON', { cause });
  }
}

/** The value, once it is known to be of the schema. Throws `ModelFormatError`. */
export function checked<S extends TSchema>(schema: S, value: unknown): Static<S> {
  if (!Value.Check(schema, value)) {
    const [error] = Value.Errors(schema, value);
    const field = error?.instancePath || 'the model';
    throw new ModelFormatError(`${field} ${error?.message ?? 'is invalid'}`);
  }
  return value;
}

/** As `checked`, of a document with a head. */
export function checkedDocument<S extends TSchema>(schema: S, value: unknown): Static<S> {
  const document = checked(schema, value);
  const { model_id } = document as { readonly model_id: string };
  if (!isModelId(model_id)) throw new ModelFormatError('/model_id is no model id');
  return document;
}
