import type { DataProvider } from './train-request.ts';
import type { Warning } from './warning.ts';

/** A provider of records to score. Its columns are those of the model. */
export type PredictProvider = Pick<DataProvider, 'name' | 'path' | 'type' | 'keyColumn'>;

/** A prediction request in its one canonical form. */
export interface PredictRequest {
  /** Those that trained the model; one alone when its file holds every column of a released model. */
  readonly providers: readonly PredictProvider[];
  readonly receivers: readonly string[];
  readonly modelId: string;
  /** Null: the model's own. */
  readonly threshold: number | null;
  readonly duplicates: 'reject' | 'first';
  /** Common records below which nothing is scored; 0 for none. */
  readonly minimumIntersection: number;
  readonly async: boolean;
  readonly purpose: string;
  readonly warnings: readonly Warning[];
}
