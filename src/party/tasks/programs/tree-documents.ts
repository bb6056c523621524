/** What a finished training of trees leaves on this node: the forest at receivers, its own part at data holders. */
import type { FeatureHolderPart } from '../../../ml/vertical/trees/feature-holder.ts';
import type { LabelHolderPart } from '../../../ml/vertical/trees/label-holder.ts';
import type { TreePublication } from '../../../ml/vertical/trees/release.ts';
import { encodeRounds, encodeRules } from '../../../ml/vertical/trees/tree-bytes.ts';
import type { TreeTraining } from '../../consensus/contract.ts';
import type { FeatureEncoding } from '../../datasets/encoding.ts';
import { FOREST_FORMAT, type ForestDocument } from '../../models/forest-document.ts';
import type { TreePart } from '../../models/tree-part.ts';
import { dataHolders } from './data-holders.ts';
import { headOf } from './model-documents.ts';

/** A training's end at one party. */
export interface FinishedTrees {
  readonly part: LabelHolderPart | FeatureHolderPart;
  readonly publication: TreePublication | null;
  /** Names the run that grew the trees; 32 bytes. */
  readonly origin: Uint8Array;
}

/** The forest that a receiver stores; null when this party receives none or it is not released. */
export function forestDocument(
  contract: TreeTraining,
  taskId: string,
  publication: TreePublication | null,
): ForestDocument | null {
  if (!publication?.model) return null;
  const { columns, trees } = publication.model;
  return {
    format: FOREST_FORMAT,
    ...headOf(contract, taskId, publication.metrics),
    algorithm: 'xgboost',
    columns,
    trees,
  };
}

/** What this data holder keeps, with which the parties predict together, whether or not the forest was released. */
export function treePart(
  contract: TreeTraining,
  taskId: string,
  self: string,
  encoding: readonly FeatureEncoding[],
  { part, publication, origin }: FinishedTrees,
): TreePart {
  const isLabelHolder = 'exponent' in part;
  return {
    format: 'entente/tree-part/v1',
    ...headOf(contract, taskId, publication?.metrics ?? {}),
    algorithm: 'xgboost',
    party: self,
    holders: dataHolders(contract, self).all.map(({ name }) => name),
    origin: Buffer.from(origin).toString('hex'),
    encoding: encoding.map((each) =>
      each.kind === 'numeric' ? { ...each } : { ...each, levels: [...each.levels] },
    ),
    parameters: { ...contract.parameters },
    rounds: isLabelHolder ? part.rounds.length : part.rounds,
    splits: base64(encodeRules(part.rules)),
    forest: isLabelHolder
      ? { trees: base64(encodeRounds(part.rounds)), exponent: part.exponent }
      : null,
  };
}

function base64(bytes: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(bytes.buffer).toString('base64');
}
