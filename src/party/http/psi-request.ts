import type { DataProvider } from './train-request.ts';
import type { Warning } from './warning.ts';

/** One side of a set intersection. */
export type PsiProvider = Pick<DataProvider, 'name' | 'path' | 'type'> & {
  readonly keyColumn: string;
};

/** A set intersection request in its one canonical form. */
export interface PsiRequest {
  readonly requester: PsiProvider;
  readonly provider: PsiProvider;
  /** The requester alone, or both. */
  readonly receivers: readonly string[];
  readonly duplicates: 'reject' | 'first';
  /** Common keys below which nobody learns which they are; 0 for none. */
  readonly minimumIntersection: number;
  readonly async: boolean;
  readonly purpose: string;
  readonly warnings: readonly Warning[];
}
