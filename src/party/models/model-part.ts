import { parseJson } from './document-check.ts';
import { decodeLinearPart, type LinearPart } from './linear-part.ts';
import { ModelFormatError } from './model-format-error.ts';
import { decodeTreePart, type TreePart } from './tree-part.ts';

/** What a data provider keeps of a model, for itself alone. */
export type ModelPart = LinearPart | TreePart;

/** The text of a part's file. */
export function partText(part: ModelPart): string {
  return `${JSON.stringify(part, null, 2)}\n`;
}

/** The part of a file's text. Throws `ModelFormatError`. */
export function parseModelPart(text: string): ModelPart {
  const value = parseJson(text);
  const format = (value as { readonly format?: unknown } | null)?.format;
  switch (format) {
    case 'entente/model-part/v1':
      throw new ModelFormatError('the part was made by an earlier version: train the model again');
    case 'entente/tree-part/v1':
      return decodeTreePart(value);
    default:
      return decodeLinearPart(value);
  }
}
