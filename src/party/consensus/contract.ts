import type { MetricName } from '../../ml/metrics/evaluate.ts';
import type { LinearParameters } from '../../ml/vertical/linear/parameters.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';

/** What the parties sign: everything that determines a task, every default resolved. */
export interface Contract {
  readonly version: 1;
  readonly kind: 'train';
  readonly algorithm: {
    readonly name: 'logistic_regression' | 'linear_regression';
    readonly partition: 'vertical';
    /** Digest of the implementation: parties that run other code must not agree by accident. */
    readonly implementation: string;
  };
  readonly parameters: LinearParameters;
  /** Each once. */
  readonly metrics: readonly MetricName[];
  readonly security: { readonly model: 'semi-honest'; readonly kappa: 128; readonly sigma: 40 };
  readonly leakage: LeakageStatement;
  readonly alignment: Alignment;
  /** The label holder first, then feature holders, then parties that only receive. */
  readonly parties: readonly ContractParty[];
  /** Parties that learn the result; each is in `parties`. */
  readonly receivers: readonly string[];
  /** The party whose node proposes the contract. */
  readonly initiator: string;
  /** What the result is for, in the coordinator's words; matched by policies. */
  readonly purpose: string;
  /** ISO 8601 UTC with milliseconds. */
  readonly createdAt: string;
  readonly expiresAt: string;
  /** 32 random bytes, hex. */
  readonly nonce: string;
}

/** How the parties' rows are matched. */
export interface Alignment {
  /** `psi`: private set intersection on the key columns. `row_order`: row i is row i everywhere. */
  readonly method: 'psi' | 'row_order';
  readonly engine: 'ecdh';
  /** Rows with the same key: refuse the task, or keep the first. */
  readonly duplicates: 'reject' | 'first';
}

export interface ContractParty {
  readonly name: string;
  /** SHA-256 of the party's public key (SPKI, DER), lower-case hex. */
  readonly fingerprint: string;
  readonly role: 'label_holder' | 'feature_holder' | 'receiver';
  /** Null for a party that only receives. */
  readonly dataset: DatasetTerms | null;
}

/** What a party brings, as it describes it itself. No values. */
export interface DatasetTerms {
  /** As the request names it: a path inside the party's roots. */
  readonly path: string;
  readonly type: 'csv' | 'json' | 'parquet';
  readonly rowCount: number;
  /** Null for alignment by row order. */
  readonly keyColumn: string | null;
  /** Null unless this party is the label holder. */
  readonly labelColumn: string | null;
  readonly features: readonly FeatureTerms[];
  /**
   * SHA-256("entente/dataset/v1" | salt | SHA-256(file)), hex; the owner keeps the 32-byte salt.
   */
  readonly commitment: string;
}

export interface FeatureTerms {
  readonly name: string;
  readonly kind: 'numeric' | 'categorical';
  /**
   * Of a categorical feature only: its model columns, the levels but one. Their names stay at the
   * owner.
   */
  readonly categories?: number;
}
