import Type, { type Static } from 'typebox';
import { CLOSED, checkedDocument, MODEL_HEAD, NAME, parseJson } from './document-check.ts';
import { type ForestDocument, forestText } from './forest-document.ts';
import { decodeForest } from './forest-file.ts';
import { ModelFormatError } from './model-format-error.ts';

/**
 * The result file of a task that releases its model: everything that is needed to apply it to
 * encoded columns. Names are snake_case because the file is public.
 */
const Feature = Type.Object(
  {
    party: NAME,
    column: NAME,
    /** Of a categorical column: the weight counts where the value is this level. The owner knows which. */
    level: Type.Optional(Type.Integer({ minimum: 0 })),
    weight: Type.Number(),
  },
  CLOSED,
);

const LinearDocumentSchema = Type.Object(
  {
    format: Type.Enum(['entente/model/v1']),
    ...MODEL_HEAD,
    algorithm: Type.Enum(['logistic_regression', 'linear_regression']),
    features: Type.Array(Feature),
    intercept: Type.Number(),
  },
  CLOSED,
);

export type LinearDocument = Static<typeof LinearDocumentSchema>;
export type ModelFeature = Static<typeof Feature>;
export type ModelDocument = LinearDocument | ForestDocument;

/** The text of a model's file: one of our own format, or for a forest one that XGBoost reads. */
export function modelText(document: ModelDocument): string {
  if (document.format !== 'entente/model/v1') return forestText(document);
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The model of a file's text. Throws `ModelFormatError`. */
export function parseModelDocument(text: string): ModelDocument {
  const value = parseJson(text);
  const isForest = typeof value === 'object' && value !== null && 'learner' in value;
  return isForest ? decodeForest(value) : decodeLinear(value);
}

function decodeLinear(value: unknown): LinearDocument {
  const document = checkedDocument(LinearDocumentSchema, value);
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
