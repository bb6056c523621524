/** A stored part of a forest as joint predictions take it. Apart from its schema, as `share-words.ts`. */
import { placesOf, type SplitRule } from '../../ml/vertical/trees/joint-tree.ts';
import type { ForestPart } from '../../ml/vertical/trees/predict.ts';
import { countRules, decodeRounds, decodeRules } from '../../ml/vertical/trees/tree-bytes.ts';
import { encodedWidth } from '../datasets/encoding.ts';
import { ModelFormatError } from './model-format-error.ts';
import type { TreePart } from './tree-part.ts';

/** This party's splits. For a part that was decoded. */
export function splitRules({ splits, parameters, rounds, encoding }: TreePart): SplitRule[] {
  return decodeRules(bytesOf(splits), parameters, rounds, encodedWidth(encoding));
}

/** What the label holder predicts with. For a part that was decoded. */
export function forestPart(part: TreePart): ForestPart {
  const { forest, holders, parameters } = part;
  if (!forest) throw new ModelFormatError(`${part.party} has no trees of ${part.model_id}`);
  const rounds = decodeRounds(bytesOf(forest.trees), parameters, holders.length);
  const rules = splitRules(part);
  const places = placesOf(rounds.flat(), 0);
  const counts = holders.map((_, owner) => countRules(rounds, owner));
  const fits =
    rounds.length === part.rounds &&
    rules.length === counts[0] &&
    rules.every(({ tree, depth }, i) => places[i]!.tree === tree && places[i]!.depth === depth);
  if (!fits) throw new ModelFormatError('the splits of the part are not those of its trees');
  return { rounds, rules, exponent: forest.exponent };
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}
