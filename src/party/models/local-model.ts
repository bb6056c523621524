/** A released model as one party applies it alone, to a file that holds every column. */
import { matrix } from '../../ml/data/matrix.ts';
import { sigmoid } from '../../ml/linear/link.ts';
import { predictLinear } from '../../ml/linear/model.ts';
import { predictBoosted } from '../../ml/trees/gradient-boosting.ts';
import type { FeatureEncoding } from '../datasets/encoding.ts';
import type { ForestDocument } from './forest-document.ts';
import type { LinearDocument, ModelDocument, ModelFeature } from './model-document.ts';
import { ModelFormatError } from './model-format-error.ts';
import type { ModelPart } from './model-part.ts';
import { ModelUseError } from './model-use-error.ts';

export interface LocalModel {
  /**
   * How the file's columns are read. A column has its own name where one party has it, `party.column`
   * where several have one of this name. The mean of another party's column is NaN where the model is
   * linear: only its owner knows what stands for a missing cell. A forest takes it as missing.
   */
  readonly encoding: readonly FeatureEncoding[];
  /** Whose column each of them is. */
  readonly owners: readonly string[];
  /**
   * Scores of encoded rows, X: [n, d] row-major: probabilities of class 1, or of each of several classes, or
   * values; [classes] x [n].
   */
  readonly score: (X: Float64Array, n: number) => readonly Float64Array[];
}

/**
 * @param part - this party's own part, which knows its categories and what stands for missing cells;
 *   null at a party that took no part in the training.
 * Throws `ModelUseError` when the model has categories whose names are not known here.
 */
export function localModel(model: ModelDocument, part: ModelPart | null): LocalModel {
  return model.format === 'entente/model/v1' ? linearModel(model, part) : forestModel(model, part);
}

function linearModel(model: LinearDocument, part: ModelPart | null): LocalModel {
  const columns = columnsOf(model.features);
  const weights = Float64Array.from(
    columns.flatMap(({ members }) => members.map(({ weight }) => weight)),
  );
  const logistic = model.algorithm === 'logistic_regression';
  return {
    ...readingOf(columns, part, Number.NaN),
    score(X, n) {
      const z = predictLinear(
        { weights, intercept: model.intercept },
        matrix(X, n, weights.length),
      );
      return [logistic ? z.map(sigmoid) : z];
    },
  };
}

function forestModel({ columns, trees }: ForestDocument, part: ModelPart | null): LocalModel {
  return {
    // Levels stand side by side and in order, so that encoded columns are the trees' features.
    ...readingOf(columnsOf(columns), part, null),
    score: (X, n) => predictBoosted(trees, matrix(X, n, trees.features)),
  };
}

/** A raw column with its model columns, by level. */
interface RawColumn<F> {
  readonly party: string;
  readonly column: string;
  readonly isCategorical: boolean;
  readonly members: readonly F[];
}

/** @param unknownMean - Of a column whose owner is another party. */
function readingOf(
  columns: readonly RawColumn<unknown>[],
  part: ModelPart | null,
  unknownMean: number | null,
): Pick<LocalModel, 'encoding' | 'owners'> {
  const owned = new Map(part?.encoding.map((each) => [each.name, each]));
  const encoding = columns.map(({ party, column, members, isCategorical }): FeatureEncoding => {
    const shared = columns.some((each) => each.column === column && each.party !== party);
    const name = shared ? `${party}.${column}` : column;
    const own = part?.party === party ? owned.get(column) : undefined;
    if (!isCategorical) {
      return { kind: 'numeric', name, mean: own?.kind === 'numeric' ? own.mean : unknownMean };
    }
    if (own?.kind === 'categorical' && own.levels.length === members.length) {
      return { kind: 'categorical', name, levels: own.levels };
    }
    throw new ModelUseError(
      `the model has categories of ${party} (column ${column}), whose names are known to ${party} alone: predict together with ${party}`,
    );
  });
  return { encoding, owners: columns.map(({ party }) => party) };
}

/** The raw columns in the model's order. Throws `ModelFormatError` where levels are missing. */
function columnsOf<F extends Pick<ModelFeature, 'party' | 'column' | 'level'>>(
  features: readonly F[],
): readonly RawColumn<F>[] {
  const byColumn = new Map<string, F[]>();
  for (const feature of features) {
    const key = JSON.stringify([feature.party, feature.column]);
    const group = byColumn.get(key);
    if (group) group.push(feature);
    else byColumn.set(key, [feature]);
  }
  return [...byColumn.values()].map((group): RawColumn<F> => {
    const { party, column, level } = group[0]!;
    const members = group.toSorted((a, b) => (a.level ?? 0) - (b.level ?? 0));
    if (level !== undefined && members.some((each, i) => each.level !== i)) {
      throw new ModelFormatError(`the model lacks a level of ${party}.${column}`);
    }
    return { party, column, isCategorical: level !== undefined, members };
  });
}
