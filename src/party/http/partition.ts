import { ApiError } from './api-error.ts';
import type { DataProvider, TrainRequest } from './train-request.ts';
import type { Warning } from './warning.ts';

/** How the parties' data fit together for vertical training. */
export interface VerticalLayout {
  readonly partition: 'vertical';
  readonly alignment: 'psi' | 'row_order';
  readonly labelHolder: string;
  /** The label holder first, then the others in the order of the request. */
  readonly parties: readonly VerticalParty[];
  readonly warnings: readonly Warning[];
}

export interface VerticalParty {
  readonly name: string;
  readonly role: 'label_holder' | 'feature_holder';
  /** Null unless this party is the label holder. */
  readonly labelColumn: string | null;
  /** Null for alignment by row order. */
  readonly keyColumns: readonly string[] | null;
  /** In the order of the request, or of the file when the request names none. */
  readonly features: readonly string[];
  /** The features that the request declares to be categorical. */
  readonly discrete: readonly string[];
}

type PartitionRequest = Pick<TrainRequest, 'providers' | 'partition' | 'labelOwner'>;

/**
 * Who holds the label and which columns each party brings, from the column names that the parties
 * report.
 *
 * 1. One provider's file has its label column: vertical, that provider is the label holder.
 * 2. All have it and the features are the same: horizontal.
 * 3. Several have it otherwise: vertical, `label_owner` says whose counts.
 * 4. None has it: `LABEL_NOT_FOUND`.
 *
 * An explicit `label_owner` or `partition: vertical` rules out 2. Throws `ApiError`.
 * @param columns the column names of each provider's file, by provider name
 */
export function resolvePartition(
  request: PartitionRequest,
  columns: ReadonlyMap<string, readonly string[]>,
): VerticalLayout {
  const { providers } = request;
  if (request.partition === 'horizontal') throw horizontalNotAvailable('partition is horizontal');
  if (providers.length < 2) {
    throw new ApiError('NOT_AVAILABLE', 'data_providers must name at least two parties');
  }
  const files = new Map(providers.map(({ name }) => [name, columnsOf(columns, name)]));
  for (const [i, provider] of providers.entries()) {
    requireColumns(provider, i, files.get(provider.name)!);
  }
  const withLabel = providers.filter(
    ({ name, labelColumn }) => labelColumn !== null && files.get(name)!.has(labelColumn),
  );
  const holder = findLabelHolder(request, withLabel, files);
  const labelColumn = labelColumnOf(holder, providers);

  const warnings: Warning[] = [];
  for (const { name, labelColumn: ignored } of providers) {
    if (ignored === null || name === holder.name) continue;
    warnings.push({
      code: 'LABEL_IGNORED',
      message: `label_column of ${name} is not used: ${holder.name} holds the label`,
    });
  }
  const alignment = alignmentOf(providers);
  if (alignment === 'row_order') {
    const message = 'no key_column is given: row i is taken to be the same record at every party';
    warnings.push({ code: 'ROW_ORDER', message });
  }
  const parties = [holder, ...providers.filter((provider) => provider !== holder)].map(
    (provider): VerticalParty => {
      const isHolder = provider === holder;
      const own = featuresOf(provider, files.get(provider.name)!, isHolder ? labelColumn : null);
      warnings.push(...own.warnings);
      if (own.features.length === 0 && !isHolder) {
        throw new ApiError('COLUMN_NOT_FOUND', `${provider.name} has no feature column`);
      }
      return {
        name: provider.name,
        role: isHolder ? 'label_holder' : 'feature_holder',
        labelColumn: isHolder ? labelColumn : null,
        keyColumns: provider.keyColumns,
        features: own.features,
        discrete: own.discrete,
      };
    },
  );
  return { partition: 'vertical', alignment, labelHolder: holder.name, parties, warnings };
}

function columnsOf(
  columns: ReadonlyMap<string, readonly string[]>,
  name: string,
): ReadonlySet<string> {
  const reported = columns.get(name);
  if (!reported) throw new TypeError(`"columns" expected an entry for provider ${name}`);
  return new Set(reported);
}

/** Every column that the request names, the label apart, must be in the file. */
function requireColumns(provider: DataProvider, i: number, file: ReadonlySet<string>): void {
  const named: readonly (readonly [field: string, columns: readonly string[]])[] = [
    ['key_column', provider.keyColumns ?? []],
    ['select_columns', provider.selectColumns ?? []],
    ['discrete_columns', provider.discreteColumns],
  ];
  for (const [field, names] of named) {
    const missing = names.filter((name) => !file.has(name));
    if (missing.length > 0) {
      throw new ApiError(
        'COLUMN_NOT_FOUND',
        `data_providers[${i}].${field}: the file of ${provider.name} has no ${missing.join(', ')}`,
      );
    }
  }
}

function findLabelHolder(
  { providers, partition, labelOwner }: PartitionRequest,
  withLabel: readonly DataProvider[],
  files: ReadonlyMap<string, ReadonlySet<string>>,
): DataProvider {
  if (labelOwner !== null) {
    const owner = providers.find(({ name }) => name === labelOwner)!;
    if (files.get(owner.name)!.has(labelColumnOf(owner, providers))) return owner;
    throw new ApiError('LABEL_NOT_FOUND', `the file of ${owner.name} has no label_column`);
  }
  const [only, second] = withLabel;
  if (!only) {
    throw new ApiError('LABEL_NOT_FOUND', 'no provider names a label_column that its file has');
  }
  if (!second) return only;
  if (partition === 'auto' && withLabel.length === providers.length) {
    const features = providers.map((each) =>
      featuresOf(each, files.get(each.name)!, each.labelColumn).features.toSorted().join('\0'),
    );
    if (new Set(features).size === 1) {
      throw horizontalNotAvailable('every provider has the label and the same feature columns');
    }
  }
  throw new ApiError(
    'LABEL_AMBIGUOUS',
    `${withLabel.map(({ name }) => name).join(', ')} have the label; say whose counts with label_owner`,
  );
}

function horizontalNotAvailable(why: string): ApiError {
  return new ApiError(
    'NOT_AVAILABLE',
    `${why}: horizontal training is not available yet; for vertical training set label_owner to the party whose label counts`,
  );
}

/** A label owner's own label column, or else the one that the other providers agree on. */
function labelColumnOf(owner: DataProvider, providers: readonly DataProvider[]): string {
  if (owner.labelColumn !== null) return owner.labelColumn;
  const named = new Set(providers.flatMap(({ labelColumn }) => labelColumn ?? []));
  const [only] = named;
  if (only !== undefined && named.size === 1) return only;
  throw new ApiError('LABEL_NOT_FOUND', `${owner.name} needs a label_column`);
}

function alignmentOf(providers: readonly DataProvider[]): VerticalLayout['alignment'] {
  const without = providers.filter(({ keyColumns }) => keyColumns === null);
  if (without.length === 0) return 'psi';
  if (without.length === providers.length) return 'row_order';
  throw new ApiError(
    'INVALID_REQUEST',
    `key_column is missing at ${without.map(({ name }) => name).join(', ')}; give it for every provider or for none`,
  );
}

/** The columns a provider brings as features: never its key, never a label. */
function featuresOf(
  provider: DataProvider,
  file: ReadonlySet<string>,
  label: string | null,
): {
  readonly features: readonly string[];
  readonly discrete: readonly string[];
  readonly warnings: readonly Warning[];
} {
  const excluded = new Set([...(provider.keyColumns ?? []), provider.labelColumn, label]);
  const features = [...(provider.selectColumns ?? file)].filter((name) => !excluded.has(name));
  const warnings: Warning[] = [];
  const notFeatures = provider.selectColumns?.filter((name) => excluded.has(name)) ?? [];
  if (notFeatures.length > 0) {
    const message = `select_columns of ${provider.name} names its key or label; not used as feature`;
    warnings.push({ code: 'COLUMN_IGNORED', message });
  }
  const discrete = provider.discreteColumns.filter((name) => features.includes(name));
  if (discrete.length < provider.discreteColumns.length) {
    const message = `discrete_columns of ${provider.name} names columns that are not features`;
    warnings.push({ code: 'COLUMN_IGNORED', message });
  }
  return { features, discrete, warnings };
}
